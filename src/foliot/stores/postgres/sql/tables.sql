-- A run is one row of runs. Times are microseconds since the epoch, UTC; texts in JSON are as the program wrote them.

CREATE TABLE runs (
  -- What is always there and always as long comes first, then what is indexed: the server finds these soonest.
  due_at bigint NOT NULL,
  created_at bigint NOT NULL,
  token bigint NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  waits integer NOT NULL DEFAULT 0,
  priority smallint NOT NULL,
  id text COLLATE "C" NOT NULL,
  job text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'pending',
  place text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL,
  wakes_at bigint,
  finished_at bigint,
  parked text COLLATE "C",
  schedule text COLLATE "C",
  parent text COLLATE "C",
  words text[],
  worker text COLLATE "C",
  started_at bigint,
  nominal_at bigint,
  expires_at bigint,
  deadline_at bigint,
  reason text,
  cancelling text,
  args text NOT NULL,
  result text,
  error text,
  attempts text,
  progress text,
  uniq jsonb,
  lanes text[],
  after text[],
  needs text[],
  target text,
  key text,
  tags text[],
  meta text,
  headers text,
  terms text
) WITH (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1
);
COMMENT ON COLUMN runs.words IS 'tags, and values in meta with their paths, by which a run is found quickly';

ALTER TABLE runs ADD CONSTRAINT runs_id PRIMARY KEY (id);
CREATE INDEX runs_due ON runs (place, priority, wakes_at, id) WHERE wakes_at IS NOT NULL;
CREATE INDEX runs_parked ON runs (parked, (due_at - priority * 60000000::bigint), id) WHERE parked IS NOT NULL;
CREATE INDEX runs_waiting ON runs (id) WHERE waits > 0;
CREATE INDEX runs_unhappy ON runs (state, id) WHERE state IN ('failed', 'cancelled', 'skipped');
CREATE INDEX runs_over ON runs (job, finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_schedule ON runs (schedule, id) WHERE schedule IS NOT NULL;
CREATE INDEX runs_queue ON runs (queue, id) WHERE queue <> 'default';
CREATE INDEX runs_parent ON runs (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX runs_words ON runs USING gin (words) WHERE words IS NOT NULL;

CREATE TABLE waits (
  upstream text COLLATE "C" NOT NULL,
  run text COLLATE "C" NOT NULL,
  PRIMARY KEY (upstream, run)
);
CREATE INDEX waits_run ON waits (run);

CREATE TABLE keys (
  key text COLLATE "C" PRIMARY KEY,
  run text COLLATE "C" NOT NULL,
  until bigint
);
CREATE INDEX keys_until ON keys (until) WHERE until IS NOT NULL;

CREATE TABLE lines (
  run text COLLATE "C" NOT NULL,
  n integer NOT NULL,
  at bigint NOT NULL,
  level text NOT NULL,
  text text NOT NULL,
  fields text,
  PRIMARY KEY (run, n)
);

-- A row for each lane that some limit limits and in which somebody runs, or before which somebody is parked.
CREATE TABLE lanes (
  lane text COLLATE "C" PRIMARY KEY,
  busy integer NOT NULL DEFAULT 0,
  look_at bigint
);
CREATE INDEX lanes_look ON lanes (look_at) WHERE look_at IS NOT NULL;

CREATE TABLE starts (
  lane text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  n integer NOT NULL,
  PRIMARY KEY (lane, at)
);
CREATE INDEX starts_at ON starts (at);

CREATE TABLE schedules (
  id text COLLATE "C" PRIMARY KEY,
  job text COLLATE "C" NOT NULL,
  wakes_at bigint,
  version bigint NOT NULL,
  body text NOT NULL
);
CREATE INDEX schedules_due ON schedules (wakes_at, id) WHERE wakes_at IS NOT NULL;

CREATE TABLE limits (
  id text COLLATE "C" PRIMARY KEY,
  running bigint,
  starts bigint,
  per bigint,
  paused boolean NOT NULL,
  body text NOT NULL
);

CREATE TABLE workers (
  id text COLLATE "C" PRIMARY KEY,
  seen_at bigint NOT NULL,
  body text NOT NULL
);
