-- The newest state of a stream and shape. An older version never overwrites a newer one.
CREATE TABLE IF NOT EXISTS :"schema".snapshots (
  aggregate_id UUID NOT NULL,
  category_id INT NOT NULL,
  shape BIGINT NOT NULL,
  version BIGINT NOT NULL,
  last_event UUID NOT NULL,
  snapshot_data BYTEA NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (aggregate_id, category_id, shape)
);
