-- Append-only. The first seven columns of the mission keep their names; there is no index on event_id (random ones
-- triple the WAL), on aggregate_id alone (redundant) or on timestamp (hlc grows with the position). event_bytes holds
-- binary payloads, and texts that are no well-formed JSON. append_offset counts the events of one append from 0.
-- keys: PRIMARY KEY (global_position), UNIQUE (aggregate_id, category_id, version). A unique constraint of a table with
-- partitions must hold what they are made by: by hash of the aggregate positions, by range of position versions are
-- unique by the lock alone, and have an index that is not; `annals verify` looks.
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
  :keys,
  CHECK ((event_data IS NULL) <> (event_bytes IS NULL))
) :partition_by;
