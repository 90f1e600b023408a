-- Releasing costs as little however many were released since the server last vacuumed: what is gone is not stepped over.

CREATE OR REPLACE FUNCTION conclude(_ids text[], _keys text[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _free text[];
  _links bigint[];
  _first bigint;
BEGIN
  IF _keys IS NOT NULL THEN
    DELETE FROM keys WHERE key = ANY (_keys) AND run = ANY (_ids) AND until IS NULL;
  END IF;
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
COMMENT ON FUNCTION conclude IS 'these runs are over and waited for nothing: they hold no keys, and release who waits for them';

CREATE OR REPLACE FUNCTION cancel(_ids text[], _reasons text[], _now bigint) RETURNS void LANGUAGE plpgsql AS $$
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
    DELETE FROM waits WHERE run = ANY (_gone);
    PERFORM conclude(_gone, _keys, _now);
  END IF;
  UPDATE runs SET cancelling = wish.reason
  FROM (SELECT * FROM unnest(_ids, _reasons) AS wish (id, reason) ORDER BY 1) AS wish
  WHERE runs.id = wish.id AND finished_at IS NULL AND worker IS NOT NULL;
  IF FOUND THEN
    PERFORM hint('cancels', _now, _now);
  END IF;
END $$;
