-- What makes a child as cheap as any run. Nodes of the version before go on with the functions that this replaces.

-- The id of a child begins with that of its parent, so it is found by its id; the index is for those that have another.
DROP INDEX runs_parent;
CREATE INDEX runs_stray ON runs (parent, id) WHERE parent IS NOT NULL AND NOT starts_with(id, parent || '.');

CREATE FUNCTION add_plain(
  _ids text[], _args text[], _jobs text[], _queues text[], _priorities smallint[], _due_at bigint[],
  _created_at bigint[], _parent text, _first bigint, _now bigint, _from text, OUT ids text[], OUT fates text[]
) LANGUAGE plpgsql
SET search_path FROM CURRENT SET jit = off SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off AS $$
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
  INSERT INTO waits (upstream, run) -- in the statement that locks: who comes after it is not locked, and may end unseen
  SELECT DISTINCT live.id, link.run FROM (
    SELECT run, upstream FROM unnest(_runs, _upstreams) AS each (run, upstream) ORDER BY upstream COLLATE "C"
  ) AS link
  CROSS JOIN LATERAL (SELECT id FROM runs WHERE id = link.upstream AND finished_at IS NULL FOR SHARE) AS live;
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
