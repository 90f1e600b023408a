-- What holders of claims do: keep them by beats, and end them.

CREATE FUNCTION keep_lines(_runs text[], _ats bigint[], _levels text[], _texts text[], _fields text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO lines (run, n, at, level, text, fields)
  SELECT run, row_number() OVER (PARTITION BY run ORDER BY n) + coalesce((
    SELECT max(lines.n) FROM lines WHERE lines.run = line.run), 0), at, level, text, fields
  FROM unnest(_runs, _ats, _levels, _texts, _fields) WITH ORDINALITY AS line (run, at, level, text, fields, n);
END $$;
COMMENT ON FUNCTION keep_lines IS 'keep lines, numbered on from those that their run has';

CREATE FUNCTION put_down(_state text, _cancelling text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT _state = 'pending' AND _cancelling IS NULL
$$;
COMMENT ON FUNCTION put_down IS 'whether a run goes on after this ending; if a cancel was asked for, it does not';

CREATE FUNCTION finish_these(
  _runs text[], _tokens bigint[], _states text[], _reasons text[], _results text[], _errors text[], _progress text[],
  _due_at bigint[], _failed boolean[], _outcomes text[], _waiting boolean[], _now bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  _ended record;
  _lanes record;
BEGIN
  WITH ended AS (
    UPDATE runs SET
      state = CASE WHEN put_down(the.state, cancelling) THEN 'pending' WHEN the.state = 'pending' THEN 'cancelled' ELSE the.state END,
      reason = CASE
        WHEN the.state = 'pending' AND cancelling IS NOT NULL THEN cancelling
        WHEN the.state = 'cancelled' THEN coalesce(the.reason, cancelling)
        ELSE the.reason END,
      result = CASE WHEN put_down(the.state, cancelling) THEN runs.result ELSE the.result END,
      error = CASE WHEN put_down(the.state, cancelling) THEN runs.error ELSE the.error END,
      finished_at = CASE WHEN NOT put_down(the.state, cancelling) THEN _now END,
      due_at = CASE WHEN put_down(the.state, cancelling) THEN coalesce(the.due_at, _now) ELSE runs.due_at END,
      wakes_at = CASE WHEN put_down(the.state, cancelling) AND the.waiting IS NOT TRUE THEN coalesce(the.due_at, _now) END,
      worker = CASE WHEN NOT put_down(the.state, cancelling) THEN worker END,
      started_at = CASE WHEN NOT put_down(the.state, cancelling) THEN started_at END,
      attempts = CASE WHEN put_down(the.state, cancelling) AND the.outcome IS NOT NULL
        THEN attempted(runs, _now, the.outcome, the.error) ELSE attempts END,
      failures = failures + coalesce(the.failed, false)::integer,
      progress = coalesce(the.progress, runs.progress)
    FROM (
      SELECT * FROM unnest(
        _runs, _tokens, _states, _reasons, _results, _errors, _progress, _due_at, _failed, _outcomes, _waiting
      ) WITH ORDINALITY AS the (
        run, token, state, reason, result, error, progress, due_at, failed, outcome, waiting, n)
      ORDER BY run, n
    ) AS the
    WHERE id = the.run AND runs.token = the.token AND runs.finished_at IS NULL AND worker IS NOT NULL
    RETURNING the.n, id, queue, job, lanes, uniq, wakes_at, finished_at IS NOT NULL AS over
  )
  SELECT array_agg(n) AS ns, array_agg(id) AS ids, array_agg(id) FILTER (WHERE over) AS over,
    array_agg(uniq ->> 'key') FILTER (WHERE over AND uniq IS NOT NULL) AS keys, min(wakes_at) AS first,
    array_agg(DISTINCT queue) AS queues, array_agg(DISTINCT job) AS jobs, bool_or(lanes IS NOT NULL) AS has_lanes
  INTO _ended FROM ended;
  IF _ended.ns IS NULL THEN
    RETURN '{}';
  END IF;
  IF limited(_ended.queues, _ended.jobs, _ended.has_lanes) THEN
    SELECT array_agg(lane) AS names, array_agg(n) AS counts INTO _lanes FROM (
      SELECT lane, count(*) AS n FROM runs, LATERAL (SELECT DISTINCT unnest(lanes_of(queue, job, lanes)) AS lane) AS way
      WHERE id = ANY (_ended.ids) GROUP BY lane
    ) AS met WHERE EXISTS (SELECT FROM limit_of(lane));
    IF _lanes.names IS NOT NULL THEN
      PERFORM leave(_lanes.names, _lanes.counts, _now);
    END IF;
  END IF;
  IF _ended.over IS NOT NULL THEN
    PERFORM conclude(_ended.over, _ended.keys, _now);
  END IF;
  PERFORM hint('runs', _ended.first, _now);
  RETURN _ended.ns;
END $$;
COMMENT ON FUNCTION finish_these IS 'end claims that touch nothing but their own runs; tells which still stood, by number';

CREATE FUNCTION follow_up(_run text, _state text, _more jsonb, _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _over boolean := (SELECT finished_at IS NOT NULL FROM runs WHERE id = _run);
BEGIN
  IF _more -> 'spawn' IS NOT NULL AND NOT (_over AND _state = 'pending') THEN
    PERFORM hint('runs', first, _now) FROM add_all(_more -> 'spawn', _now);
  END IF;
  IF _more -> 'wait' IS NOT NULL AND NOT (SELECT finished_at IS NOT NULL FROM runs WHERE id = _run) THEN
    PERFORM await(array_agg(_run), array_agg(upstream))
    FROM jsonb_array_elements_text(_more -> 'wait') AS upstream;
  END IF;
  IF _more -> 'firing' IS NOT NULL THEN
    PERFORM fire_these(
      ARRAY[it ->> 'id'], ARRAY[(it ->> 'expect')::bigint], ARRAY[it ->> 'job'], ARRAY[(it ->> 'wakes_at')::bigint],
      ARRAY[it ->> 'body'], jsonb_build_array(it -> 'runs'), _now)
    FROM (SELECT _more -> 'firing' AS it) AS firing;
  END IF;
END $$;
COMMENT ON FUNCTION follow_up IS 'what an accepted ending brings: new runs, waiting for runs, the next time of its schedule';

CREATE FUNCTION finish_all(
  _runs text[], _tokens bigint[], _states text[], _reasons text[], _results text[], _errors text[], _progress text[],
  _due_at bigint[], _failed boolean[], _outcomes text[], _waiting boolean[], _more jsonb, _line_of bigint[],
  _line_ats bigint[], _line_levels text[], _line_texts text[], _line_fields text[], _now bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  _done bigint[] := '{}';
  _some bigint[];
  _from bigint := 1;
  _upto bigint;
  _each record;
BEGIN
  IF _more IS NULL THEN
    _done := finish_these(
      _runs, _tokens, _states, _reasons, _results, _errors, _progress, _due_at, _failed, _outcomes, _waiting, _now);
  ELSE
    IF EXISTS (SELECT FROM limits) THEN -- all at once, in order of name, that two who end several never meet crosswise
      PERFORM lock_lanes(coalesce(array_agg(lane), '{}')) FROM (
        SELECT DISTINCT unnest(lanes_of(queue, job, lanes)) AS lane FROM runs
        WHERE id = ANY (_runs) AND finished_at IS NULL AND worker IS NOT NULL
      ) AS met WHERE EXISTS (SELECT FROM limit_of(lane));
    END IF;
    FOR _each IN
      SELECT (it ->> 'n')::bigint AS n, it FROM jsonb_array_elements(_more) AS it
      UNION ALL SELECT cardinality(_runs) + 1, NULL ORDER BY n
    LOOP
      FOREACH _upto IN ARRAY ARRAY[_each.n - 1, least(_each.n, cardinality(_runs))] LOOP
        CONTINUE WHEN _upto < _from;
        SELECT array_agg(n + _from - 1) INTO _some FROM unnest(finish_these(
          _runs[_from:_upto], _tokens[_from:_upto], _states[_from:_upto], _reasons[_from:_upto],
          _results[_from:_upto], _errors[_from:_upto], _progress[_from:_upto], _due_at[_from:_upto],
          _failed[_from:_upto], _outcomes[_from:_upto], _waiting[_from:_upto], _now)) AS n;
        _done := _done || _some;
        _from := _upto + 1;
        IF _upto = _each.n AND _some IS NOT NULL THEN
          PERFORM follow_up(_runs[_each.n], _states[_each.n], _each.it, _now);
        END IF;
      END LOOP;
    END LOOP;
  END IF;
  IF _line_of IS NOT NULL THEN
    PERFORM keep_lines(array_agg(_runs[line.of] ORDER BY n), array_agg(at ORDER BY n), array_agg(level ORDER BY n),
      array_agg(text ORDER BY n), array_agg(fields ORDER BY n))
    FROM unnest(_line_of, _line_ats, _line_levels, _line_texts, _line_fields)
      WITH ORDINALITY AS line (of, at, level, text, fields, n)
    WHERE line.of = ANY (_done);
  END IF;
  RETURN _done;
END $$;
COMMENT ON FUNCTION finish_all IS 'end claims, one after the other; tells which still stood, by number';
