-- Lanes: who holds a place, who started when, who is parked, and when to look again.

CREATE FUNCTION limit_of(_lane text) RETURNS SETOF limits LANGUAGE sql STABLE ROWS 1 AS $$
  SELECT * FROM limits WHERE id IN (_lane, split_part(_lane, '#', 1)) ORDER BY id = _lane DESC LIMIT 1
$$;
COMMENT ON FUNCTION limit_of IS 'the limit that counts in a lane: its own, else its family''s';

CREATE FUNCTION lanes_of(_queue text, _job text, _lanes text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['queue/' || _queue, 'job/' || _job] || _lanes
$$;

CREATE FUNCTION limited(_queues text[], _jobs text[], _has_lanes boolean) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF _has_lanes THEN
    RETURN EXISTS (SELECT FROM limits);
  END IF;
  RETURN EXISTS (
    SELECT FROM (SELECT 'queue/' || unnest(_queues) UNION ALL SELECT 'job/' || unnest(_jobs)) AS met (lane)
    JOIN limits ON limits.id = met.lane OR limits.id = split_part(met.lane, '#', 1));
END $$;
COMMENT ON FUNCTION limited IS 'whether some of these runs may have a lane that is limited';

CREATE FUNCTION started(_lane text, _since bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(sum(n), 0) FROM starts WHERE lane = _lane AND at > _since);
END $$;

CREATE FUNCTION lock_lanes(_lanes text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _locked integer;
BEGIN
  LOOP
    SELECT count(*) INTO _locked
    FROM (SELECT FROM lanes WHERE lane = ANY (_lanes) ORDER BY lane FOR NO KEY UPDATE) AS locked;
    EXIT WHEN _locked = cardinality(_lanes);
    INSERT INTO lanes (lane) SELECT lane FROM unnest(_lanes) AS lane ORDER BY lane COLLATE "C" ON CONFLICT DO NOTHING;
  END LOOP;
END $$;
COMMENT ON FUNCTION lock_lanes IS 'lock these lanes, in order of name, so that nobody else decides in them meanwhile';

CREATE FUNCTION leave(_left text[], _counts bigint[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _hope boolean;
BEGIN
  PERFORM lock_lanes(_left);
  WITH changed AS (
    UPDATE lanes SET busy = busy - gone.n,
      look_at = CASE WHEN EXISTS (SELECT FROM runs WHERE parked = lane) THEN least(look_at, _now) ELSE look_at END
    FROM unnest(_left, _counts) AS gone (name, n) WHERE lane = gone.name RETURNING look_at
  )
  SELECT bool_or(look_at <= _now) INTO _hope FROM changed;
  DELETE FROM lanes WHERE lane = ANY (_left) AND busy = 0 AND NOT EXISTS (SELECT FROM runs WHERE parked = lane);
  IF _hope THEN
    PERFORM hint('runs', _now, _now);
  END IF;
END $$;
COMMENT ON FUNCTION leave IS 'so many runs gave back their places in these lanes; those who are parked before them have hope';

CREATE FUNCTION wake_parked(_now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  _lane lanes;
  _limit limits;
  _free bigint;
  _woke integer;
  _any boolean := false;
  _first bigint;
  _look_at bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM lanes WHERE look_at <= _now) THEN
    RETURN false;
  END IF;
  FOR _lane IN SELECT * FROM lanes WHERE look_at <= _now ORDER BY lane FOR NO KEY UPDATE SKIP LOCKED LOOP
    SELECT * INTO _limit FROM limit_of(_lane.lane);
    _free := least(1000, room(_limit, _lane.busy, _lane.lane, _now));
    WITH woken AS (
      UPDATE runs SET parked = NULL, wakes_at = due_at WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM runs WHERE parked = _lane.lane
        ORDER BY due_at - priority * 60000000::bigint, id LIMIT _free FOR UPDATE SKIP LOCKED))
      RETURNING wakes_at
    )
    SELECT count(*), min(wakes_at) INTO _woke, _first FROM woken;
    IF _woke > 0 THEN
      _any := true;
      PERFORM hint('runs', _first, _now);
    END IF;
    _look_at := CASE
      WHEN NOT EXISTS (SELECT FROM runs WHERE parked = _lane.lane) THEN NULL
      WHEN _free > 0 THEN _now
      ELSE opens_at(_limit, _lane.busy, _lane.lane)
    END;
    UPDATE lanes SET look_at = _look_at WHERE lane = _lane.lane;
    DELETE FROM lanes WHERE lane = _lane.lane AND busy = 0 AND look_at IS NULL
      AND NOT EXISTS (SELECT FROM runs WHERE parked = _lane.lane);
  END LOOP;
  RETURN _any;
END $$;
COMMENT ON FUNCTION wake_parked IS 'look at every lane whose instant has come, and wake as many as it has room for';

CREATE FUNCTION room(_limit limits, _busy bigint, _lane text, _now bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN _limit.id IS NULL THEN 9223372036854775807
    WHEN _limit.paused THEN 0
    ELSE greatest(0, least(
      CASE WHEN _limit.running IS NULL THEN 9223372036854775807 ELSE _limit.running - _busy END,
      CASE WHEN _limit.starts IS NULL OR _limit.per IS NULL THEN 9223372036854775807
        ELSE _limit.starts - started(_lane, _now - _limit.per) END))
  END
$$;
COMMENT ON FUNCTION room IS 'how many more may start in a lane';

CREATE FUNCTION opens_at(_limit limits, _busy bigint, _lane text) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN NOT _limit.paused AND (_limit.running IS NULL OR _busy < _limit.running) THEN (
    SELECT at + _limit.per FROM (
      SELECT at, sum(n) OVER (ORDER BY at DESC) AS newer FROM starts WHERE lane = _lane
    ) AS counted WHERE newer >= _limit.starts AND _limit.starts > 0 ORDER BY at DESC LIMIT 1
  ) END
$$;
COMMENT ON FUNCTION opens_at IS 'when a lane without room will have some by the passing of time alone';

CREATE FUNCTION within(_lane text, _limit text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT _lane = _limit OR split_part(_lane, '#', 1) = _limit
$$;
COMMENT ON FUNCTION within IS 'whether a limit of this name is for that lane or its family';
