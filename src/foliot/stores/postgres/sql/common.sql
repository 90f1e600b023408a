-- What several verbs need. Parameters begin with an underscore; who calls has set search_path.

CREATE FUNCTION as_json(r runs) RETURNS text LANGUAGE plpgsql STABLE AS $$ -- not in SQL, to be prepared only when called
BEGIN
  RETURN json_build_object(
    'id', r.id, 'job', r.job, 'queue', r.queue, 'state', r.state, 'reason', r.reason, 'priority', r.priority,
    'due_at', r.due_at, 'wakes_at', r.wakes_at, 'created_at', r.created_at, 'started_at', r.started_at,
    'finished_at', r.finished_at, 'nominal_at', r.nominal_at, 'expires_at', r.expires_at,
    'deadline_at', r.deadline_at, 'token', r.token, 'failures', r.failures, 'worker', r.worker,
    'schedule', r.schedule, 'parent', r.parent, 'parked', r.parked, 'waits', r.waits, 'cancelling', r.cancelling,
    'args', r.args, 'result', r.result, 'error', r.error::json, 'attempts', coalesce(r.attempts, '[]')::json,
    'progress', r.progress::json, 'unique', r.uniq, 'lanes', coalesce(r.lanes, '{}'),
    'after', coalesce(r.after, '{}'), 'needs', coalesce(r.needs, '{}'), 'target', r.target, 'key', r.key,
    'tags', coalesce(r.tags, '{}'), 'meta', coalesce(r.meta, '{}')::json,
    'headers', coalesce(r.headers, '{}')::json, 'terms', r.terms::json)::text;
END $$;
COMMENT ON FUNCTION as_json IS 'a run with all it has, as the program reads it';

CREATE FUNCTION standing(_at bigint, _priority smallint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT _at - _priority * 60000000::bigint
$$;
COMMENT ON FUNCTION standing IS 'its place in the order of claims: a minute of waiting counts as one priority';

CREATE FUNCTION attempted(r runs, _ended_at bigint, _outcome text, _error text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE WHEN r.attempts IS NULL THEN '[' ELSE left(r.attempts, -1) || ',' END || json_build_object(
    'token', r.token, 'worker', r.worker, 'started_at', r.started_at, 'ended_at', _ended_at,
    'outcome', _outcome, 'error', _error::json)::text || ']';
END $$;
COMMENT ON FUNCTION attempted IS 'the attempts of a run with its last one';

CREATE FUNCTION hint(_topic text, _at bigint, _now bigint, _from text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF _at <= _now + 15000000 THEN -- whoever watches looks more often than that
    PERFORM pg_notify(current_schema(), concat_ws(' ', _topic, _at, _from));
  END IF;
END $$;
COMMENT ON FUNCTION hint IS 'tell who watches, once this is committed, that something is due from an instant on';

-- Waiting and being released

CREATE FUNCTION conclude(_ids text[], _keys text[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _free text[];
  _links bigint[];
  _first bigint;
BEGIN
  IF _keys IS NOT NULL THEN
    DELETE FROM keys WHERE key = ANY (_keys) AND run = ANY (_ids) AND until IS NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM waits) THEN
    RETURN;
  END IF;
  DELETE FROM waits WHERE run = ANY (_ids);
  WITH gone AS (DELETE FROM waits WHERE upstream = ANY (_ids) RETURNING run),
  freed AS (SELECT run, count(*) AS links FROM gone GROUP BY run)
  SELECT array_agg(run ORDER BY run), array_agg(links ORDER BY run) INTO _free, _links FROM freed;
  IF _free IS NULL THEN
    RETURN;
  END IF;
  WITH released AS (
    UPDATE runs SET waits = waits - links, wakes_at = CASE WHEN waits = links THEN due_at END
    FROM unnest(_free, _links) AS freed (run, links) WHERE id = freed.run RETURNING wakes_at
  )
  SELECT min(wakes_at) INTO _first FROM released;
  PERFORM hint('runs', _first, _now);
END $$;
COMMENT ON FUNCTION conclude IS 'these runs are over: they hold no keys, wait for nothing, and release who waits for them';

CREATE FUNCTION await(_runs text[], _upstreams text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM runs WHERE id = ANY (_upstreams) AND finished_at IS NULL ORDER BY id FOR SHARE;
  INSERT INTO waits (upstream, run)
  SELECT DISTINCT runs.id, link.run FROM unnest(_runs, _upstreams) AS link (run, upstream)
  JOIN runs ON runs.id = link.upstream AND runs.finished_at IS NULL;
  UPDATE runs SET waits = link.n, wakes_at = CASE WHEN link.n = 0 THEN due_at END
  FROM (
    SELECT each.run, count(waits.run) AS n FROM (SELECT DISTINCT unnest(_runs) AS run) AS each
    LEFT JOIN waits ON waits.run = each.run GROUP BY each.run ORDER BY each.run
  ) AS link
  WHERE id = link.run;
END $$;
COMMENT ON FUNCTION await IS 'let each of these pending runs wait for its upstream if that lives: locked first, counted then';

CREATE FUNCTION cancel(_ids text[], _reasons text[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _gone text[];
  _keys text[];
BEGIN
  PERFORM FROM runs WHERE id = ANY (_ids) AND finished_at IS NULL ORDER BY id FOR NO KEY UPDATE;
  WITH gone AS (
    UPDATE runs SET state = 'cancelled', reason = wish.reason, wakes_at = NULL, waits = 0, parked = NULL,
      finished_at = _now
    FROM (SELECT * FROM unnest(_ids, _reasons) AS wish (id, reason) ORDER BY 1) AS wish
    WHERE runs.id = wish.id AND finished_at IS NULL AND worker IS NULL RETURNING runs.id, uniq ->> 'key' AS key
  )
  SELECT array_agg(id), array_agg(key) FILTER (WHERE key IS NOT NULL) INTO _gone, _keys FROM gone;
  IF _gone IS NOT NULL THEN
    PERFORM conclude(_gone, _keys, _now);
  END IF;
  UPDATE runs SET cancelling = wish.reason
  FROM (SELECT * FROM unnest(_ids, _reasons) AS wish (id, reason) ORDER BY 1) AS wish
  WHERE runs.id = wish.id AND finished_at IS NULL AND worker IS NOT NULL;
  IF FOUND THEN
    PERFORM hint('cancels', _now, _now);
  END IF;
END $$;
COMMENT ON FUNCTION cancel IS 'end pending runs, mark running ones';
