-- A row from the first event of a stream on. Its newest version is read from the events: a row that every append
-- updates would rot under an open snapshot.
CREATE TABLE IF NOT EXISTS :"schema".streams (
  stream_key UUID PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE,
  aggregate_id UUID NOT NULL,
  category_id INT NOT NULL,
  truncate_before BIGINT NOT NULL DEFAULT 1,
  tombstone BOOLEAN NOT NULL DEFAULT false,
  max_age BIGINT NOT NULL DEFAULT 0,
  max_count BIGINT NOT NULL DEFAULT 0,
  retained BOOLEAN NOT NULL GENERATED ALWAYS AS
    (truncate_before > 1 OR tombstone OR max_age <> 0 OR max_count <> 0) STORED
);
CREATE UNIQUE INDEX IF NOT EXISTS streams_retained ON :"schema".streams (aggregate_id, category_id) WHERE retained;
