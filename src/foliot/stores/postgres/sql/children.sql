-- What makes a child as cheap as any run. Nodes of the version before go on with the functions that this replaces.

-- The id of a child begins with that of its parent, so it is found by its id; the index is for those that have another.
DROP INDEX runs_parent;
CREATE INDEX runs_stray ON runs (parent, id) WHERE parent IS NOT NULL AND NOT starts_with(id, parent || '.');

CREATE FUNCTION add_plain(
  _ids text[], _args text[], _jobs text[], _queues text[], _priorities smallint[], _due_at bigint[],
  _created_at bigint[], _parent text, _first bigint, _now bigint, _from text, OUT ids text[], OUT fates text[]
) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO runs (id, args, job, queue, place, priority, due_at, wakes_at, created_at, parent)
  SELECT id, args, coalesce(job, _jobs[1]), coalesce(queue, _queues[1]), coalesce(queue, _queues[1]),
    coalesce(priority, _priorities[1]), coalesce(due_at, _due_at[1]), coalesce(due_at, _due_at[1]),
    coalesce(created_at, _created_at[1]), _parent
  FROM unnest(_ids, _args, _jobs, _queues, _priorities, _due_at, _created_at)
    AS run (id, args, job, queue, priority, due_at, created_at)
  ORDER BY id;
  PERFORM hint('runs', _first, _now, _from);
EXCEPTION WHEN unique_violation THEN -- an id is known; to look for each before costs as much as to add it
  SELECT it.ids, it.fates INTO ids, fates FROM (
    SELECT jsonb_agg(run || jsonb_strip_nulls(jsonb_build_object('parent', _parent)) ORDER BY n) AS runs
    FROM jsonb_array_elements(as_given(_ids, _args, _jobs, _queues, _priorities, _due_at, _created_at))
      WITH ORDINALITY AS given (run, n)
  ) AS every, add(every.runs, _now, _from) AS it;
END $$;
COMMENT ON FUNCTION add_plain(
  text[], text[], text[], text[], smallint[], bigint[], bigint[], text, bigint, bigint, text
) IS 'add runs that have no more than these columns, and one parent or none; a single value counts for all';

CREATE OR REPLACE FUNCTION await(_runs text[], _upstreams text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _count integer;
BEGIN
  IF _runs[1] = ALL (_runs) THEN
    INSERT INTO waits (upstream, run)
    SELECT id, _runs[1] FROM runs WHERE id = ANY (_upstreams) AND finished_at IS NULL ORDER BY id FOR SHARE;
    GET DIAGNOSTICS _count = ROW_COUNT;
    UPDATE runs SET waits = _count, wakes_at = CASE WHEN _count = 0 THEN due_at END WHERE id = _runs[1];
    RETURN;
  END IF;
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

CREATE TYPE claimed_2 AS (
  id text, job text, due_at bigint, created_at bigint, queue text, priority smallint, args text, token bigint,
  schedule text, nominal_at bigint, parent text, more text, done text[]
);
COMMENT ON TYPE claimed_2 IS 'a claimed run: what most have, and the whole of it as JSON if it has more; the last row says the rest';

CREATE FUNCTION claim_2(
  _worker text, _limit integer, _lease bigint, _lo text[], _hi text[], _queues text[], _labels text[],
  _now bigint, _done text[]
) RETURNS SETOF claimed_2 LANGUAGE plpgsql AS $$
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
      RETURNING n, id, job, due_at, created_at, queue, priority, args, token, schedule, nominal_at, parent, CASE
        WHEN failures > 0 OR num_nonnulls(attempts, uniq, lanes, after, needs, target, key, tags, meta, headers, terms,
          expires_at, deadline_at, reason, cancelling, progress, result, error) > 0
        THEN as_json(runs) END AS more
    )
    SELECT id, job, due_at, created_at, queue, priority, args, token, schedule, nominal_at, parent, more, NULL::text[]
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
  RETURN NEXT ROW(NULL, NULL, _wake_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, _done)::claimed_2;
END $$;
COMMENT ON FUNCTION claim_2 IS 'take due runs in order; the last row has no id, in due_at when to come back, and what was done';

DO $$
DECLARE
  _verb regprocedure;
BEGIN
  FOR _verb IN SELECT oid FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname IN ('add_plain', 'claim_2')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path FROM CURRENT SET jit = off SET plan_cache_mode = force_generic_plan '
      'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off', _verb);
  END LOOP;
END $$;
