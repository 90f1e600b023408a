-- The verbs: each one call, one round trip, one step.

CREATE FUNCTION add(_runs jsonb, _now bigint, _from text DEFAULT '', OUT ids text[], OUT fates text[])
LANGUAGE plpgsql AS $$
DECLARE
  _added record;
BEGIN
  SELECT * INTO _added FROM add_all(_runs, _now);
  ids := _added.ids;
  fates := _added.fates;
  PERFORM hint('runs', _added.first, _now, _from);
END $$;
COMMENT ON FUNCTION add IS 'add runs; without ids and fates in the answer, all were added';

CREATE FUNCTION add_plain(
  _ids text[], _args text[], _jobs text[], _queues text[], _priorities smallint[], _due_at bigint[],
  _created_at bigint[], _first bigint, _now bigint, _from text, OUT ids text[], OUT fates text[]
) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO runs (id, args, job, queue, place, priority, due_at, wakes_at, created_at)
  SELECT id, args, coalesce(job, _jobs[1]), coalesce(queue, _queues[1]), coalesce(queue, _queues[1]),
    coalesce(priority, _priorities[1]), coalesce(due_at, _due_at[1]), coalesce(due_at, _due_at[1]),
    coalesce(created_at, _created_at[1])
  FROM unnest(_ids, _args, _jobs, _queues, _priorities, _due_at, _created_at)
    AS run (id, args, job, queue, priority, due_at, created_at)
  ORDER BY id;
  PERFORM hint('runs', _first, _now, _from);
EXCEPTION WHEN unique_violation THEN -- an id is known; to look for each before costs as much as to add it
  SELECT it.ids, it.fates INTO ids, fates
  FROM add(as_given(_ids, _args, _jobs, _queues, _priorities, _due_at, _created_at), _now, _from) AS it;
END $$;
COMMENT ON FUNCTION add_plain IS 'add runs that have no more than these columns; one with a single value counts for all';

CREATE FUNCTION amend(
  _ids text[], _cancel text, _due_at bigint, _priority smallint, _revive boolean, _now bigint, _line_ns integer[],
  _line_ats bigint[], _line_levels text[], _line_texts text[], _line_fields text[]
) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM runs WHERE id = ANY (_ids) ORDER BY id FOR NO KEY UPDATE;
  IF _revive THEN
    PERFORM revive(_ids, _now);
  END IF;
  IF _due_at IS NOT NULL THEN
    UPDATE runs SET due_at = _due_at, parked = NULL, wakes_at = CASE WHEN waits = 0 THEN _due_at END
    WHERE id = ANY (_ids) AND finished_at IS NULL AND worker IS NULL;
    PERFORM hint('runs', _due_at, _now);
  END IF;
  IF _priority IS NOT NULL THEN
    UPDATE runs SET priority = _priority WHERE id = ANY (_ids) AND finished_at IS NULL;
    PERFORM hint('runs', _now, _now);
  END IF;
  IF _cancel IS NOT NULL THEN
    PERFORM cancel(_ids, array_fill(_cancel, ARRAY[cardinality(_ids)]), _now);
  END IF;
  IF _line_ns IS NOT NULL THEN
    PERFORM keep_lines(array_agg(id ORDER BY id, line.n), array_agg(line.at ORDER BY id, line.n),
      array_agg(line.level ORDER BY id, line.n), array_agg(line.text ORDER BY id, line.n),
      array_agg(line.fields ORDER BY id, line.n))
    FROM runs, unnest(_line_ns, _line_ats, _line_levels, _line_texts, _line_fields) WITH ORDINALITY
      AS line (number, at, level, text, fields, n)
    WHERE id = ANY (_ids) AND line.number > coalesce((SELECT max(lines.n) FROM lines WHERE lines.run = id), 0);
  END IF;
  RETURN QUERY SELECT as_json(runs) FROM runs WHERE id = ANY (_ids);
END $$;
COMMENT ON FUNCTION amend IS 'revive, delay, reprioritise and cancel runs, in this order; tells each as it is now';

CREATE FUNCTION finish(
  _runs text[], _tokens bigint[], _states text[], _reasons text[], _results text[], _errors text[], _progress text[],
  _due_at bigint[], _failed boolean[], _outcomes text[], _waiting boolean[], _more jsonb, _line_of bigint[],
  _line_ats bigint[], _line_levels text[], _line_texts text[], _line_fields text[], _now bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema(), 1));
  RETURN finish_all(
    _runs, _tokens, _states, _reasons, _results, _errors, _progress, _due_at, _failed, _outcomes, _waiting, _more,
    _line_of, _line_ats, _line_levels, _line_texts, _line_fields, _now);
END $$;
COMMENT ON FUNCTION finish IS 'end claims; tells which still stood, by number';

CREATE FUNCTION turn(
  _runs text[], _tokens bigint[], _states text[], _reasons text[], _results text[], _errors text[], _progress text[],
  _due_at bigint[], _failed boolean[], _outcomes text[], _waiting boolean[], _more jsonb, _line_of bigint[],
  _line_ats bigint[], _line_levels text[], _line_texts text[], _line_fields text[],
  _worker text, _limit integer, _lease bigint, _lo text[], _hi text[], _queues text[], _labels text[], _now bigint
) RETURNS SETOF claimed LANGUAGE plpgsql AS $$
DECLARE
  _done bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(current_schema(), 1));
  _done := finish_all(
    _runs, _tokens, _states, _reasons, _results, _errors, _progress, _due_at, _failed, _outcomes, _waiting, _more,
    _line_of, _line_ats, _line_levels, _line_texts, _line_fields, _now);
  RETURN QUERY SELECT * FROM claim(_worker, _limit, _lease, _lo, _hi, _queues, _labels, _now, _done::text[]);
END $$;
COMMENT ON FUNCTION turn IS 'finish and claim in one step';

CREATE FUNCTION beat(
  _worker text, _body text, _runs text[], _tokens bigint[], _progress text[], _line_of bigint[], _line_ats bigint[],
  _line_levels text[], _line_texts text[], _line_fields text[], _now bigint, _lease bigint,
  OUT held bigint[], OUT reasons text[]
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM put_workers(ARRAY[_worker], ARRAY[_now], ARRAY[_body]);
  WITH kept AS (
    UPDATE runs SET wakes_at = _now + _lease, progress = coalesce(the.progress, runs.progress)
    FROM (
      SELECT * FROM unnest(_runs, _tokens, _progress) WITH ORDINALITY AS the (run, token, progress, n) ORDER BY run
    ) AS the
    WHERE id = the.run AND runs.token = the.token AND finished_at IS NULL AND worker IS NOT NULL
    RETURNING n, cancelling
  )
  SELECT coalesce(array_agg(n), '{}'), coalesce(array_agg(cancelling), '{}') INTO held, reasons FROM kept;
  IF _line_of IS NOT NULL THEN
    PERFORM keep_lines(array_agg(_runs[line.of] ORDER BY n), array_agg(at ORDER BY n), array_agg(level ORDER BY n),
      array_agg(text ORDER BY n), array_agg(fields ORDER BY n))
    FROM unnest(_line_of, _line_ats, _line_levels, _line_texts, _line_fields)
      WITH ORDINALITY AS line (of, at, level, text, fields, n)
    WHERE line.of = ANY (held);
  END IF;
END $$;
COMMENT ON FUNCTION beat IS 'keep leases; tells which still stood, by number, and for each the reason of its cancel';

CREATE FUNCTION fire(
  _ids text[], _expects bigint[], _jobs text[], _wakes bigint[], _bodies text[], _runs jsonb, _now bigint,
  _limit integer, OUT fired bigint[], OUT due text[], OUT versions bigint[], OUT wake_at bigint
) LANGUAGE plpgsql AS $$
BEGIN
  fired := '{}';
  IF cardinality(_ids) > 0 THEN
    fired := fire_these(_ids, _expects, _jobs, _wakes, _bodies, _runs, _now);
  END IF;
  SELECT coalesce(array_agg(body), '{}'), coalesce(array_agg(version), '{}') INTO due, versions FROM (
    SELECT body, version FROM schedules WHERE schedules.wakes_at <= _now ORDER BY schedules.wakes_at, id
    LIMIT _limit + 1
  ) AS first;
  IF cardinality(due) > _limit THEN
    due := due[:_limit];
    versions := versions[:_limit];
  ELSE
    wake_at := (SELECT min(wakes_at) FROM schedules WHERE wakes_at > _now);
  END IF;
END $$;
COMMENT ON FUNCTION fire IS 'fire, by number, then tell what is due and when to come back';

CREATE FUNCTION put(
  _ids text[], _jobs text[], _wakes bigint[], _bodies text[], _times bigint[],
  _lanes text[], _running bigint[], _starts bigint[], _per bigint[], _paused boolean[], _limits text[],
  _workers text[], _seen_at bigint[], _records text[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(_ids) > 0 THEN
    PERFORM put_schedules(_ids, _jobs, _wakes, _bodies, _times);
  END IF;
  IF cardinality(_lanes) > 0 THEN
    PERFORM put_limits(_lanes, _running, _starts, _per, _paused, _limits);
  END IF;
  IF cardinality(_workers) > 0 THEN
    PERFORM put_workers(_workers, _seen_at, _records);
  END IF;
END $$;
COMMENT ON FUNCTION put IS 'keep records as they are given';

CREATE FUNCTION prune(_before bigint, _keep integer, _limit integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  _gone text[];
BEGIN
  WITH RECURSIVE every AS (
    (SELECT job FROM runs WHERE finished_at IS NOT NULL ORDER BY job LIMIT 1)
    UNION ALL
    SELECT (SELECT runs.job FROM runs WHERE finished_at IS NOT NULL AND runs.job > every.job ORDER BY runs.job LIMIT 1)
    FROM every WHERE every.job IS NOT NULL
  ), bounds AS (
    SELECT every.job, greatest(_before, CASE WHEN _keep = 0 THEN 9223372036854775807 ELSE kept.finished_at END) AS at,
      CASE WHEN kept.finished_at >= coalesce(_before, kept.finished_at) THEN kept.id ELSE '' END AS id
    FROM every LEFT JOIN LATERAL (
      SELECT finished_at, id FROM runs WHERE finished_at IS NOT NULL AND runs.job = every.job AND _keep > 0
      ORDER BY finished_at DESC, id DESC LIMIT 1 OFFSET greatest(_keep - 1, 0)
    ) AS kept ON true
    WHERE every.job IS NOT NULL
  ), old AS (
    SELECT first.id FROM bounds CROSS JOIN LATERAL (
      SELECT finished_at, id FROM runs WHERE finished_at IS NOT NULL AND runs.job = bounds.job
        AND (finished_at, id) < (bounds.at, bounds.id)
        AND (parent IS NULL OR NOT EXISTS (
          SELECT FROM runs AS above WHERE above.id = runs.parent AND above.finished_at IS NULL))
      ORDER BY finished_at, id LIMIT _limit
    ) AS first
    ORDER BY first.finished_at, first.id LIMIT _limit
  )
  SELECT array_agg(id) INTO _gone FROM old;
  DELETE FROM lines WHERE run = ANY (_gone);
  DELETE FROM runs WHERE id = ANY (_gone) AND finished_at IS NOT NULL;
  RETURN coalesce(cardinality(_gone), 0);
END $$;
COMMENT ON FUNCTION prune IS 'forget runs that are over, the oldest first';

CREATE FUNCTION at_path(_meta text, _path text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  _value json := _meta;
BEGIN
  FOR _at IN 1 .. cardinality(_path) LOOP
    IF json_typeof(_value) IS DISTINCT FROM 'object' THEN
      RETURN NULL;
    END IF;
    _value := _value -> _path[_at];
  END LOOP;
  RETURN _value::text;
END $$;
COMMENT ON FUNCTION at_path IS 'the value at a path as JSON text';

-- Plans are pinned: tables that turn over as fast as these have no statistics to trust. Compiling them never pays.
DO $$
DECLARE
  _verb regprocedure;
BEGIN
  FOR _verb IN
    SELECT oid FROM pg_proc WHERE pronamespace = quote_ident(current_schema())::regnamespace AND proname IN (
      'add', 'add_plain', 'amend', 'claim', 'finish', 'turn', 'beat', 'fire', 'put', 'prune', 'drop_limits')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path FROM CURRENT SET jit = off SET plan_cache_mode = force_generic_plan '
      'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off', _verb);
  END LOOP;
END $$;
