-- Positions that are missing on purpose, both ends included: to be written by whatever removes events. A position
-- that is missing without a hole is reported as damage.
CREATE TABLE IF NOT EXISTS :"schema".holes (
  from_position BIGINT PRIMARY KEY,
  to_position BIGINT NOT NULL,
  reason TEXT NOT NULL,
  CHECK (from_position <= to_position)
);
