-- Adding runs: known ids are known, unique keys clash, and who waits is counted.

CREATE TYPE given AS (
  id text, job text, due_at bigint, created_at bigint, queue text, place text, priority smallint, args text,
  state text, reason text, token bigint, failures integer, schedule text, nominal_at bigint, expires_at bigint,
  deadline_at bigint, terms text, key text, lanes text[], uniq jsonb, target text, after text[], cancelling text,
  worker text, started_at bigint, finished_at bigint, attempts text, result text, error text, progress text,
  tags text[], meta text, headers text, parent text, needs text[], words text[]
);
COMMENT ON TYPE given IS 'a run as it is handed in; what is usual may be left out';

CREATE FUNCTION enter(_runs jsonb, _now bigint, OUT _new text[], OUT _first bigint) LANGUAGE plpgsql AS $$
BEGIN
  WITH entered AS (
    INSERT INTO runs (
      id, job, due_at, created_at, queue, place, priority, args, state, reason, wakes_at, token, failures, schedule,
      nominal_at, expires_at, deadline_at, terms, key, lanes, uniq, target, after, cancelling, worker, started_at,
      finished_at, attempts, result, error, progress, tags, meta, headers, parent, needs, words)
    SELECT
      id, job, due_at, created_at, coalesce(queue, 'default'), coalesce(place, queue, 'default'),
      coalesce(priority, 5), coalesce(args, '{}'), CASE WHEN is_over THEN state ELSE 'pending' END, reason,
      CASE WHEN NOT is_over AND after IS NULL THEN due_at END, coalesce(token, 0), coalesce(failures, 0), schedule,
      nominal_at, expires_at, deadline_at, terms, key, lanes, uniq, target, after, cancelling,
      CASE WHEN is_over THEN worker END, CASE WHEN is_over THEN started_at END,
      CASE WHEN is_over THEN coalesce(finished_at, _now) END, attempts, result, error, progress, tags, meta, headers,
      parent, needs, words
    FROM jsonb_populate_recordset(NULL::given, _runs) AS given,
      LATERAL (SELECT coalesce(given.state NOT IN ('pending', 'running'), false) AS is_over) AS what
    ORDER BY id
    ON CONFLICT (id) DO NOTHING RETURNING id, wakes_at
  )
  SELECT coalesce(array_agg(id), '{}'), min(wakes_at) INTO _new, _first FROM entered;
END $$;
COMMENT ON FUNCTION enter IS 'keep these runs unless their ids are known; tells which are new, and when the first is due';

CREATE FUNCTION as_given(
  _ids text[], _args text[], _jobs text[], _queues text[], _priorities smallint[], _due_at bigint[],
  _created_at bigint[]
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT jsonb_agg(jsonb_build_object(
      'id', id, 'args', args, 'job', coalesce(job, _jobs[1]), 'queue', coalesce(queue, _queues[1]),
      'priority', coalesce(priority, _priorities[1]), 'due_at', coalesce(due_at, _due_at[1]),
      'created_at', coalesce(created_at, _created_at[1])) ORDER BY n)
    FROM unnest(_ids, _args, _jobs, _queues, _priorities, _due_at, _created_at) WITH ORDINALITY
      AS run (id, args, job, queue, priority, due_at, created_at, n));
END $$;
COMMENT ON FUNCTION as_given IS 'runs in columns as JSON';

CREATE FUNCTION add_apart(_runs jsonb, _now bigint, OUT _ids text[], OUT _fates text[]) LANGUAGE plpgsql AS $$
DECLARE
  _new text[] := (enter(_runs, _now))._new;
  _wish record;
  _lost text[];
  _holders text[];
BEGIN
  _ids := ARRAY(SELECT run ->> 'id' FROM jsonb_array_elements(_runs) WITH ORDINALITY AS it (run, n) ORDER BY n);
  IF cardinality(_new) = cardinality(_ids) THEN
    _fates := array_fill('added'::text, ARRAY[cardinality(_ids)]);
  ELSE
    _fates := ARRAY(
      SELECT CASE WHEN id = ANY (_new) THEN 'added' ELSE 'known' END FROM unnest(_ids) WITH ORDINALITY AS it (id, n)
      ORDER BY n);
  END IF;
  IF EXISTS (SELECT FROM keys WHERE until <= _now) THEN
    DELETE FROM keys WHERE until <= _now AND key IN (SELECT given #>> '{uniq,key}' FROM jsonb_array_elements(_runs) AS given);
  END IF;
  LOOP
    WITH wish AS (
      SELECT id, uniq ->> 'key' AS key, (uniq ->> 'until')::bigint AS until, finished_at IS NULL AS lives FROM runs
      WHERE id = ANY (_new) AND uniq IS NOT NULL AND (finished_at IS NULL OR (uniq ->> 'until')::bigint > _now)
    ), took AS (
      INSERT INTO keys (key, run, until) SELECT key, id, until FROM wish ORDER BY key
      ON CONFLICT (key) DO NOTHING RETURNING run
    )
    SELECT array_agg(id) INTO _lost FROM (SELECT id FROM wish WHERE lives EXCEPT SELECT run FROM took) AS lost;
    EXIT WHEN _lost IS NULL;
    SELECT array_agg(id), array_agg(keys.run) INTO _lost, _holders
    FROM runs LEFT JOIN keys ON keys.key = uniq ->> 'key' WHERE id = ANY (_lost);
    EXIT WHEN array_position(_holders, NULL) IS NULL; -- else one was given up in this moment
    _new := _lost;
  END LOOP;
  FOR _wish IN
    SELECT runs.id, uniq ->> 'clash' AS clash, uniq ->> 'key' AS key, (uniq ->> 'until')::bigint AS until,
      holder, array_position(_ids, runs.id) AS n
    FROM unnest(_lost, _holders) AS lost (id, holder) JOIN runs ON runs.id = lost.id ORDER BY runs.id
  LOOP
    CASE _wish.clash
      WHEN 'drop' THEN
        DELETE FROM runs WHERE id = _wish.id;
        _ids[_wish.n] := _wish.holder;
        _fates[_wish.n] := 'dropped';
      WHEN 'skip' THEN
        UPDATE runs SET state = 'skipped', reason = 'overlap with ' || _wish.holder, wakes_at = NULL,
          finished_at = _now
        WHERE id = _wish.id;
        _fates[_wish.n] := 'skipped';
      ELSE
        _ids[_wish.n] := take_over(_wish.id, _wish.clash, _wish.key, _wish.until, _now);
        _fates[_wish.n] := CASE WHEN _ids[_wish.n] = _wish.id THEN 'added' ELSE 'renewed' END;
    END CASE;
  END LOOP;
END $$;
COMMENT ON FUNCTION add_apart IS 'add runs of which no two have one id or want one key';

CREATE FUNCTION take_over(_id text, _clash text, _key text, _until bigint, _now bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  _holder text;
BEGIN
  LOOP
    SELECT run INTO _holder FROM keys WHERE key = _key AND (until IS NULL OR until > _now);
    IF FOUND THEN
      IF _clash = 'renew' THEN
        UPDATE runs SET args = new.args, expires_at = new.expires_at, deadline_at = new.deadline_at,
          due_at = new.due_at, parked = NULL, wakes_at = CASE WHEN runs.waits = 0 THEN new.due_at END
        FROM runs AS new
        WHERE runs.id = _holder AND new.id = _id AND runs.token = 0 AND runs.finished_at IS NULL;
        IF FOUND THEN
          DELETE FROM runs WHERE id = _id;
          RETURN _holder;
        END IF;
      ELSE
        PERFORM cancel(ARRAY[_holder], ARRAY['replaced by ' || _id], _now);
      END IF;
      UPDATE keys SET run = _id, until = _until WHERE key = _key AND run = _holder;
      IF FOUND THEN
        RETURN _id;
      END IF;
    END IF;
    INSERT INTO keys (key, run, until) VALUES (_key, _id, _until) ON CONFLICT (key) DO NOTHING;
    IF FOUND THEN
      RETURN _id;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION take_over IS 'let a new run have a key that another holds; tells who stands for it now';

CREATE FUNCTION add_all(_runs jsonb, _now bigint, OUT ids text[], OUT fates text[], OUT first bigint)
LANGUAGE plpgsql AS $$
DECLARE
  _new text[];
  _alone record;
  _each jsonb;
  _links record;
BEGIN
  IF NOT jsonb_path_exists(_runs, '$[*] ? (exists (@.uniq) || exists (@.after))') THEN
    SELECT * INTO _new, first FROM enter(_runs, _now);
    IF cardinality(_new) < jsonb_array_length(_runs) THEN
      SELECT array_agg(id ORDER BY n),
        array_agg(CASE WHEN id = ANY (_new) AND nth = 1 THEN 'added' ELSE 'known' END ORDER BY n)
      INTO ids, fates
      FROM (
        SELECT id, n, row_number() OVER (PARTITION BY id ORDER BY n) AS nth
        FROM (SELECT each ->> 'id' AS id, n FROM jsonb_array_elements(_runs) WITH ORDINALITY AS t (each, n)) AS named
      ) AS numbered;
    END IF;
    RETURN;
  END IF;
  IF (
    SELECT count(DISTINCT run ->> 'id') = count(*) AND count(DISTINCT run #>> '{uniq,key}') = count(run -> 'uniq')
    FROM jsonb_array_elements(_runs) AS run
  ) THEN
    SELECT _ids, _fates INTO ids, fates FROM add_apart(_runs, _now);
  ELSE
    FOR _each IN SELECT jsonb_array_elements(_runs) LOOP
      SELECT _ids, _fates INTO _alone FROM add_apart(jsonb_build_array(_each), _now);
      ids := ids || _alone._ids;
      fates := fates || _alone._fates;
    END LOOP;
  END IF;
  SELECT array_agg(run) AS runs, array_agg(upstream) AS upstreams INTO _links FROM (
    SELECT DISTINCT runs.id AS run, unnest(runs.after) AS upstream
    FROM unnest(ids, fates) AS answer (id, fate) JOIN runs ON runs.id = answer.id
    WHERE fate = 'added' AND runs.after IS NOT NULL AND finished_at IS NULL AND worker IS NULL
  ) AS link;
  IF _links.runs IS NOT NULL THEN
    PERFORM await(_links.runs, _links.upstreams);
  END IF;
  SELECT min((run ->> 'due_at')::bigint) INTO first FROM jsonb_array_elements(_runs) AS run;
END $$;
COMMENT ON FUNCTION add_all IS 'add runs, one after the other; without ids and fates, all were added';
