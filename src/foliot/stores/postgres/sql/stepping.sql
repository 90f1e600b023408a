-- The server steps over the entries of an index that lead to dead rows, each time: to find where due runs begin, once a
-- page is enough. Who is added before that meanwhile is found by the next page.

CREATE FUNCTION claim_2(
  _worker text, _limit integer, _lease bigint, _lo text[], _hi text[], _queues text[], _labels text[],
  _now bigint, _done text[]
) RETURNS SETOF claimed_2 LANGUAGE plpgsql
SET search_path FROM CURRENT SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
DECLARE
  _page integer := _limit;
  _rest integer := _limit + 1000;
  _missing integer := _limit;
  _exhausted boolean := false;
  _places text[];
  _priorities smallint[];
  _firsts bigint[];
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
      array_agg(wakes_at) FILTER (WHERE wakes_at <= _now), min(wakes_at) FILTER (WHERE wakes_at > _now)
    INTO _places, _priorities, _firsts, _later FROM heads(_lo, _hi, _queues, _labels);
    IF _places IS NULL THEN
      _exhausted := true;
      EXIT;
    END IF;
    SELECT array_agg(tid) AS tids, count(*) AS n, array_agg(DISTINCT queue) AS queues, array_agg(DISTINCT job) AS jobs,
      bool_or(lanes IS NOT NULL) AS has_lanes, bool_or(uniq ->> 'hold' = 'start') AS starting
    INTO _due FROM (
      SELECT run.* FROM unnest(_places, _priorities, _firsts) AS head (place, priority, first) CROSS JOIN LATERAL (
        SELECT ctid AS tid, id, queue, job, lanes, uniq, standing(runs.wakes_at, runs.priority) AS rank FROM runs
        WHERE runs.place = head.place AND runs.priority = head.priority AND runs.wakes_at BETWEEN head.first AND _now
          AND runs.xmax <> ALL (ARRAY( -- what others hold is known by their number, sooner than by trying its lock
            SELECT (held & 4294967295)::text::xid FROM txid_snapshot_xip(txid_current_snapshot()) AS held))
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
