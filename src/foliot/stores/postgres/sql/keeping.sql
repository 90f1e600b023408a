-- What stands: schedules, limits and workers; firing; amending runs by hand, and forgetting old ones.

CREATE FUNCTION fire_these(
  _ids text[], _expects bigint[], _jobs text[], _wakes bigint[], _bodies text[], _runs jsonb, _now bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  _fired bigint[] := '{}';
  _some bigint[];
  _first bigint;
BEGIN
  IF cardinality(_ids) > 1 AND (
    (SELECT count(DISTINCT id) < count(*) FROM unnest(_ids) AS id) OR jsonb_path_exists(_runs, '$[*][*].after')
  ) THEN
    FOR _at IN 1 .. cardinality(_ids) LOOP
      _some := fire_these(_ids[_at:_at], _expects[_at:_at], _jobs[_at:_at], _wakes[_at:_at], _bodies[_at:_at],
        jsonb_build_array(_runs -> (_at - 1)), _now);
      IF _some <> '{}' THEN
        _fired := _fired || _at::bigint;
      END IF;
    END LOOP;
    RETURN _fired;
  END IF;
  WITH news AS (
    SELECT * FROM unnest(_ids, _expects, _jobs, _wakes, _bodies) WITH ORDINALITY
      AS new (id, expect, job, wakes_at, body, n) ORDER BY id
  ), created AS (
    INSERT INTO schedules (id, job, wakes_at, version, body)
    SELECT id, job, wakes_at, 1, body FROM news WHERE expect = 0
    ON CONFLICT (id) DO NOTHING RETURNING id
  ), advanced AS (
    UPDATE schedules SET version = version + 1, job = new.job, wakes_at = new.wakes_at, body = new.body
    FROM news AS new WHERE schedules.id = new.id AND version = new.expect RETURNING n, schedules.wakes_at
  ), fired AS (
    SELECT n, wakes_at FROM advanced UNION ALL SELECT n, wakes_at FROM news JOIN created USING (id)
  )
  SELECT coalesce(array_agg(n), '{}'), min(wakes_at) INTO _fired, _first FROM fired;
  IF _fired = '{}' THEN
    RETURN _fired;
  END IF;
  PERFORM hint('schedules', _first, _now);
  PERFORM hint('runs', added.first, _now) FROM (
    SELECT coalesce(jsonb_agg(run), '[]') AS runs FROM jsonb_array_elements(_runs) WITH ORDINALITY AS its (runs, n),
      jsonb_array_elements(CASE jsonb_typeof(its.runs) WHEN 'array' THEN its.runs ELSE '[]' END) AS run
    WHERE its.n = ANY (_fired)
  ) AS every, add_all(every.runs, _now) AS added;
  RETURN _fired;
END $$;
COMMENT ON FUNCTION fire_these IS 'replace each schedule that still stands at the expected version, and add its runs with it';

CREATE FUNCTION put_schedules(_ids text[], _jobs text[], _wakes bigint[], _bodies text[], _times bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO schedules (id, job, wakes_at, version, body)
  SELECT id, job, wakes_at, times, body FROM unnest(_ids, _jobs, _wakes, _times, _bodies)
    AS new (id, job, wakes_at, times, body) ORDER BY id
  ON CONFLICT (id) DO UPDATE SET job = excluded.job, wakes_at = excluded.wakes_at, body = excluded.body,
    version = schedules.version + excluded.version;
  PERFORM hint('schedules', min(wakes), min(wakes)) FROM unnest(_wakes) AS wakes;
END $$;
COMMENT ON FUNCTION put_schedules IS 'keep these schedules; each was put so many times';

CREATE FUNCTION limit_changed(_id text, _forget boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF _forget THEN
    DELETE FROM starts WHERE within(lane, _id);
  END IF;
  INSERT INTO lanes (lane, look_at)
  SELECT DISTINCT parked, 0 FROM runs WHERE parked IS NOT NULL AND within(parked, _id)
  ON CONFLICT (lane) DO UPDATE SET look_at = 0;
END $$;
COMMENT ON FUNCTION limit_changed IS 'look again at the lanes that this limit is for; forget starts that were counted otherwise';

CREATE FUNCTION recount(_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE lanes SET busy = 0 FROM unnest(_ids) AS id WHERE within(lane, id);
  INSERT INTO lanes (lane, busy)
  SELECT lane, count(*) FROM runs, LATERAL (SELECT DISTINCT unnest(lanes_of(queue, job, lanes)) AS lane) AS way
  WHERE wakes_at IS NOT NULL AND state = 'running' AND EXISTS (SELECT FROM unnest(_ids) AS id WHERE within(lane, id))
    AND EXISTS (SELECT FROM limit_of(lane))
  GROUP BY lane
  ON CONFLICT (lane) DO UPDATE SET busy = excluded.busy;
  DELETE FROM lanes USING unnest(_ids) AS id WHERE within(lane, id) AND busy = 0 AND look_at IS NULL;
END $$;
COMMENT ON FUNCTION recount IS 'count anew who runs in the lanes that these limits are for';

CREATE FUNCTION put_limits(
  _ids text[], _running bigint[], _starts bigint[], _per bigint[], _paused boolean[], _bodies text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _new text[] := '{}';
  _old limits;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema(), 1)); -- nobody claims or finishes meanwhile
  FOR _at IN 1 .. cardinality(_ids) LOOP
    SELECT * INTO _old FROM limits WHERE id = _ids[_at];
    INSERT INTO limits (id, running, starts, per, paused, body)
    VALUES (_ids[_at], _running[_at], _starts[_at], _per[_at], _paused[_at], _bodies[_at])
    ON CONFLICT (id) DO UPDATE SET running = excluded.running, starts = excluded.starts, per = excluded.per,
      paused = excluded.paused, body = excluded.body;
    PERFORM limit_changed(_ids[_at],
      _old.id IS NULL OR (_old.starts, _old.per) IS DISTINCT FROM (_starts[_at], _per[_at]));
    IF _old.id IS NULL THEN
      _new := _new || _ids[_at];
    END IF;
  END LOOP;
  IF _new <> '{}' THEN
    PERFORM recount(_new);
  END IF;
  PERFORM hint('runs', 0, 0);
END $$;
COMMENT ON FUNCTION put_limits IS 'let these limits stand';

CREATE FUNCTION drop_limits(_ids text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  _gone text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema(), 1)); -- nobody claims or finishes meanwhile
  WITH gone AS (DELETE FROM limits WHERE id = ANY (_ids) RETURNING id)
  SELECT coalesce(array_agg(id), '{}') INTO _gone FROM gone;
  IF _gone <> '{}' THEN
    PERFORM limit_changed(id, true) FROM unnest(_gone) AS id;
    PERFORM recount(_gone);
    PERFORM hint('runs', 0, 0);
  END IF;
  RETURN _gone;
END $$;
COMMENT ON FUNCTION drop_limits IS 'forget these limits; tells which there were';

CREATE FUNCTION put_workers(_ids text[], _seen_at bigint[], _bodies text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO workers (id, seen_at, body)
  SELECT * FROM unnest(_ids, _seen_at, _bodies) AS new (id, seen_at, body) ORDER BY id
  ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, body = excluded.body;
END $$;

-- Amending

CREATE FUNCTION revive(_ids text[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _run record;
  _again text[] := '{}';
  _links record;
BEGIN
  FOR _run IN
    SELECT id, uniq ->> 'key' AS key, (uniq ->> 'until')::bigint AS until FROM runs
    WHERE id = ANY (_ids) AND finished_at IS NOT NULL ORDER BY array_position(_ids, id::text) FOR NO KEY UPDATE
  LOOP
    IF _run.key IS NOT NULL THEN
      INSERT INTO keys (key, run, until) VALUES (_run.key, _run.id, _run.until)
      ON CONFLICT (key) DO UPDATE SET run = excluded.run, until = excluded.until
        WHERE keys.run = excluded.run OR keys.until <= _now;
      CONTINUE WHEN NOT FOUND;
    END IF;
    _again := _again || _run.id;
  END LOOP;
  UPDATE runs SET state = 'pending', due_at = _now, wakes_at = CASE WHEN after IS NULL THEN _now END, failures = 0,
    attempts = CASE WHEN started_at IS NULL THEN attempts ELSE attempted(runs, finished_at, state, error) END,
    reason = NULL, result = NULL, error = NULL, progress = NULL, worker = NULL, started_at = NULL,
    finished_at = NULL, expires_at = NULL, deadline_at = NULL, cancelling = NULL
  WHERE id = ANY (_again);
  SELECT array_agg(id) AS runs, array_agg(upstream) AS upstreams INTO _links FROM (
    SELECT id, unnest(after) AS upstream FROM runs WHERE id = ANY (_again)
  ) AS link;
  IF _links.runs IS NOT NULL THEN
    PERFORM await(_links.runs, _links.upstreams);
  END IF;
  PERFORM hint('runs', min(wakes_at), _now) FROM runs WHERE id = ANY (_again);
END $$;
COMMENT ON FUNCTION revive IS 'let runs that are over live again; only then is counted who waits for whom of them';
