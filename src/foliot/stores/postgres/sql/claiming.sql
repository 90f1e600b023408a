-- Claiming: due runs in order, each leased; those that meet a full lane are parked before it.

CREATE TYPE claimed AS (
  id text, job text, due_at bigint, created_at bigint, queue text, priority smallint, args text, token bigint,
  schedule text, nominal_at bigint, more text, done text[]
);
COMMENT ON TYPE claimed IS 'a claimed run: what every one has, and the whole of it as JSON if it has more; the last row says the rest';

CREATE FUNCTION heads(_lo text[], _hi text[], _queues text[], _labels text[])
RETURNS TABLE (place text, priority smallint, wakes_at bigint) LANGUAGE sql STABLE AS $$
  WITH RECURSIVE head AS (
    SELECT span.hi, first.* FROM unnest(_lo, _hi) AS span (lo, hi) CROSS JOIN LATERAL (
      SELECT runs.place, runs.priority, runs.wakes_at FROM runs
      WHERE runs.wakes_at IS NOT NULL AND runs.place >= span.lo AND runs.place < span.hi
      ORDER BY runs.place, runs.priority, runs.wakes_at, runs.id LIMIT 1
    ) AS first
    UNION ALL
    SELECT head.hi, next.* FROM head CROSS JOIN LATERAL (
      SELECT runs.place, runs.priority, runs.wakes_at FROM runs
      WHERE runs.wakes_at IS NOT NULL AND (runs.place, runs.priority) > (head.place, head.priority)
        AND runs.place < head.hi
      ORDER BY runs.place, runs.priority, runs.wakes_at, runs.id LIMIT 1
    ) AS next
  )
  SELECT place, priority, wakes_at FROM head
  WHERE starts_with(place, '@') OR (
    (_queues = '{}' OR split_part(place, '+', 1) = ANY (_queues))
    AND (string_to_array(place, '+'))[2:] <@ _labels)
$$;
COMMENT ON FUNCTION heads IS 'for each served place and each priority in it, when somebody should look at its first run';

CREATE FUNCTION first_of(_places text[], _priorities smallint[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT min(first.wakes_at) FROM unnest(_places, _priorities) AS head (place, priority) CROSS JOIN LATERAL (
      SELECT runs.wakes_at FROM runs
      WHERE runs.place = head.place AND runs.priority = head.priority AND runs.wakes_at IS NOT NULL
      ORDER BY runs.wakes_at, runs.id LIMIT 1
    ) AS first);
END $$;
COMMENT ON FUNCTION first_of IS 'when somebody should look at the first run at these places, each with a priority';

CREATE FUNCTION give_up_at_start(_tids tid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM keys USING (
    SELECT id, uniq ->> 'key' AS key FROM runs WHERE ctid = ANY (_tids) AND uniq ->> 'hold' = 'start'
  ) AS starting
  WHERE keys.key = starting.key AND keys.run = starting.id AND keys.until IS NULL;
END $$;
COMMENT ON FUNCTION give_up_at_start IS 'these are about to start: those that hold their keys only until then give them up';

CREATE FUNCTION admit(
  _tids tid[], _most integer, _now bigint,
  OUT _taken tid[], OUT _parked integer, OUT _looked integer, OUT _deferred boolean
) LANGUAGE plpgsql AS $$
DECLARE
  _limited text[];
  _names text[];
  _places bigint[];
  _starts bigint[];
  _entered bigint[];
  _left bigint[];
  _down tid[] := '{}';
  _before text[] := '{}';
  _run record;
  _full integer;
  _at integer;
BEGIN
  _taken := '{}';
  _parked := 0;
  _looked := 0;
  _deferred := false;
  SELECT array_agg(lane ORDER BY lane COLLATE "C") INTO _limited FROM (
    SELECT DISTINCT unnest(lanes_of(queue, job, lanes)) AS lane FROM runs WHERE ctid = ANY (_tids)
  ) AS met WHERE EXISTS (SELECT FROM limit_of(lane));
  INSERT INTO lanes (lane)
  SELECT name FROM unnest(_limited) AS name WHERE NOT EXISTS (SELECT FROM lanes WHERE lane = name)
  ORDER BY name COLLATE "C" ON CONFLICT DO NOTHING;
  SELECT array_agg(lane) INTO _names FROM (
    SELECT lane FROM lanes WHERE lane = ANY (_limited) ORDER BY lane FOR NO KEY UPDATE SKIP LOCKED
  ) AS locked;
  SELECT array_agg(CASE WHEN its.running IS NULL THEN 1000000000 ELSE its.running - busy END ORDER BY n),
    array_agg(CASE WHEN its.paused THEN 0 WHEN its.starts IS NULL OR its.per IS NULL THEN 1000000000
      ELSE its.starts - started(lane, _now - its.per) END ORDER BY n),
    array_agg(0 ORDER BY n), array_agg(0 ORDER BY n)
  INTO _places, _starts, _entered, _left
  FROM unnest(_names) WITH ORDINALITY AS name (name, n) JOIN lanes ON lane = name, limit_of(lane) AS its;
  FOR _run IN
    SELECT due.tid, runs.state = 'running' AS lapsed, ARRAY(
      SELECT array_position(_names, way.lane) FROM (
        SELECT step.lane, min(step.n) AS n FROM unnest(lanes_of(queue, job, lanes)) WITH ORDINALITY AS step (lane, n)
        WHERE step.lane = ANY (_limited) GROUP BY step.lane
      ) AS way ORDER BY way.n
    ) AS way
    FROM unnest(_tids) WITH ORDINALITY AS due (tid, n) JOIN runs ON runs.ctid = due.tid ORDER BY due.n
  LOOP
    EXIT WHEN cardinality(_taken) = _most;
    _looked := _looked + 1;
    IF array_position(_run.way, NULL) IS NOT NULL THEN
      _deferred := true; -- somebody else decides in its lane at this moment
      CONTINUE;
    END IF;
    _full := NULL;
    IF _run.lapsed THEN
      FOREACH _at IN ARRAY _run.way LOOP
        _places[_at] := _places[_at] + 1;
        _left[_at] := _left[_at] + 1;
      END LOOP;
    END IF;
    FOREACH _at IN ARRAY _run.way LOOP
      IF _places[_at] <= 0 OR _starts[_at] <= 0 THEN
        _full := _at;
        EXIT;
      END IF;
    END LOOP;
    IF _full IS NOT NULL THEN
      _down := _down || _run.tid;
      _before := _before || _names[_full];
      CONTINUE;
    END IF;
    FOREACH _at IN ARRAY _run.way LOOP
      _places[_at] := _places[_at] - 1;
      _starts[_at] := _starts[_at] - 1;
      _entered[_at] := _entered[_at] + 1;
    END LOOP;
    _taken := _taken || _run.tid;
  END LOOP;
  _parked := cardinality(_down);
  PERFORM park(_down, _before, _now);
  UPDATE lanes SET busy = busy + name.entered - name.gone, look_at = CASE
    WHEN (name.gone > 0 OR lane = ANY (_before)) AND EXISTS (SELECT FROM runs WHERE parked = lane)
    THEN least(look_at, _now) ELSE look_at END
  FROM unnest(_names, _entered, _left) AS name (name, entered, gone) WHERE lane = name.name;
  PERFORM record_starts(_names, _entered, _now);
  DELETE FROM lanes WHERE lane = ANY (_names) AND busy = 0 AND look_at IS NULL
    AND NOT EXISTS (SELECT FROM runs WHERE parked = lane);
END $$;
COMMENT ON FUNCTION admit IS 'of these due runs, in order, those that all their lanes have room for; the others are parked';

CREATE FUNCTION park(_tids tid[], _lanes text[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE runs SET parked = before.lane, wakes_at = NULL, state = 'pending', worker = NULL, started_at = NULL,
    attempts = CASE WHEN state = 'running' THEN attempted(runs, _now, 'lost', NULL) ELSE attempts END
  FROM unnest(_tids, _lanes) AS before (tid, lane) WHERE runs.ctid = before.tid;
END $$;
COMMENT ON FUNCTION park IS 'put these runs down, each before its full lane';

CREATE FUNCTION record_starts(_lanes text[], _counts bigint[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO starts (lane, at, n)
  SELECT lane, _now, count FROM unnest(_lanes, _counts) AS new (lane, count), limit_of(lane) AS its
  WHERE count > 0 AND its.starts IS NOT NULL AND its.per IS NOT NULL
  ON CONFLICT (lane, at) DO UPDATE SET n = starts.n + excluded.n;
  IF FOUND THEN
    DELETE FROM starts WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM starts WHERE at <= _now - (SELECT max(per) FROM limits) ORDER BY at LIMIT 1000
      FOR UPDATE SKIP LOCKED));
  END IF;
END $$;
COMMENT ON FUNCTION record_starts IS 'count these starts where a rate limits them; some that no longer count go';

CREATE FUNCTION claim(
  _worker text, _limit integer, _lease bigint, _lo text[], _hi text[], _queues text[], _labels text[],
  _now bigint, _done text[] DEFAULT NULL
) RETURNS SETOF claimed LANGUAGE plpgsql AS $$
DECLARE
  _page integer := _limit;
  _rest integer := _limit + 1000;
  _missing integer := _limit;
  _exhausted boolean := false;
  _places text[];
  _priorities smallint[];
  _later bigint;
  _due record;
  _admitted record;
  _tids tid[];
  _woke boolean := false;
  _look_at bigint;
  _wake_at bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema(), 1)); -- no limit is put meanwhile
  LOOP
    SELECT array_agg(place) FILTER (WHERE wakes_at <= _now), array_agg(priority) FILTER (WHERE wakes_at <= _now),
      min(wakes_at) FILTER (WHERE wakes_at > _now)
    INTO _places, _priorities, _later FROM heads(_lo, _hi, _queues, _labels);
    IF _places IS NULL THEN
      _exhausted := true;
      EXIT;
    END IF;
    SELECT array_agg(tid) AS tids, count(*) AS n, array_agg(DISTINCT queue) AS queues, array_agg(DISTINCT job) AS jobs,
      bool_or(lanes IS NOT NULL) AS has_lanes, bool_or(uniq ->> 'hold' = 'start') AS starting
    INTO _due FROM (
      SELECT run.* FROM unnest(_places, _priorities) AS head (place, priority) CROSS JOIN LATERAL (
        SELECT ctid AS tid, id, queue, job, lanes, uniq, standing(runs.wakes_at, runs.priority) AS rank FROM runs
        WHERE runs.place = head.place AND runs.priority = head.priority AND runs.wakes_at <= _now
        ORDER BY runs.wakes_at, runs.id LIMIT _page FOR NO KEY UPDATE SKIP LOCKED
      ) AS run
      ORDER BY rank, id LIMIT _page
    ) AS due;
    _exhausted := _due.n < _page;
    EXIT WHEN _due.n = 0;
    IF limited(_due.queues, _due.jobs, _due.has_lanes) THEN
      SELECT * INTO _admitted FROM admit(_due.tids, _missing, _now);
      _tids := _admitted._taken;
      _rest := _rest - _admitted._looked;
      _exhausted := _exhausted OR _admitted._deferred;
    ELSE
      _tids := _due.tids[:_missing];
      _rest := 0;
    END IF;
    IF _due.starting THEN
      PERFORM give_up_at_start(_tids);
    END IF;
    RETURN QUERY WITH taken AS (
      UPDATE runs SET state = 'running', token = token + 1, wakes_at = _now + _lease, worker = _worker,
        started_at = _now,
        attempts = CASE WHEN state = 'running' THEN attempted(runs, _now, 'lost', NULL) ELSE attempts END
      FROM unnest(_tids) WITH ORDINALITY AS due (tid, n) WHERE runs.ctid = due.tid
      RETURNING n, id, job, due_at, created_at, queue, priority, args, token, schedule, nominal_at, CASE
        WHEN failures > 0 OR num_nonnulls(attempts, uniq, lanes, after, needs, target, key, tags, meta, headers, terms,
          expires_at, deadline_at, reason, cancelling, progress, result, error, parent) > 0
        THEN as_json(runs) END AS more
    )
    SELECT id, job, due_at, created_at, queue, priority, args, token, schedule, nominal_at, more, NULL::text[]
    FROM taken ORDER BY n;
    _missing := _missing - cardinality(_tids);
    EXIT WHEN _missing = 0 OR _rest = 0 OR _exhausted;
    _page := least(_rest, greatest(_missing, 2 * _page));
  END LOOP;
  _look_at := (SELECT min(look_at) FROM lanes WHERE look_at IS NOT NULL);
  IF _look_at <= _now THEN
    _woke := wake_parked(_now);
  END IF;
  IF _missing > 0 THEN
    _wake_at := least(_later, first_of(_places, _priorities));
    IF _exhausted AND _wake_at <= _now AND NOT _woke THEN
      _wake_at := _now + 2000; -- others have it in their hands at this moment
    END IF;
    IF _look_at IS NOT NULL THEN
      _wake_at := least(_wake_at, CASE WHEN _woke THEN _now END, (
        SELECT min(look_at) FROM lanes WHERE look_at IS NOT NULL AND EXISTS (SELECT FROM runs WHERE parked = lane)));
    END IF;
  END IF;
  RETURN NEXT ROW(NULL, NULL, _wake_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, _done)::claimed;
END $$;
COMMENT ON FUNCTION claim IS 'take due runs in order; the last row has no id, in due_at when to come back, and what was done';
