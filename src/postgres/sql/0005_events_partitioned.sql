-- In place of 0005_events.sql for stores that are made with partitions: by hash of the aggregate. A unique
-- constraint must hold the partition key, so that positions are unique by the lock alone.
CREATE TABLE IF NOT EXISTS :"schema".events (
  global_position BIGINT NOT NULL,
  event_id UUID NOT NULL,
  aggregate_id UUID NOT NULL,
  category_id INT NOT NULL,
  version BIGINT NOT NULL,
  hlc BIGINT NOT NULL,
  timestamp TIMESTAMPTZ NOT NULL,
  append_offset INT NOT NULL,
  schema_version INT NOT NULL,
  codec SMALLINT NOT NULL,
  genesis BOOLEAN NOT NULL,
  event_type VARCHAR(255) COLLATE "C" NOT NULL,
  event_data :payload,
  event_bytes BYTEA,
  metadata JSON,
  PRIMARY KEY (aggregate_id, category_id, version),
  CHECK ((event_data IS NULL) <> (event_bytes IS NULL))
) PARTITION BY HASH (aggregate_id);
CREATE INDEX IF NOT EXISTS events_position ON :"schema".events (global_position);
