-- What the history tells beside events, in its order: appends without events (command_id is set), and changes of
-- retention. after_position is the newest position there was.
CREATE TABLE IF NOT EXISTS :"schema".steps (
  ordinal BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  after_position BIGINT NOT NULL,
  stream TEXT COLLATE "C" NOT NULL,
  command_id UUID,
  metadata JSON,
  truncate_before BIGINT,
  tombstone BOOLEAN,
  max_age BIGINT,
  max_count BIGINT
);
CREATE INDEX IF NOT EXISTS steps_after_position ON :"schema".steps (after_position, ordinal);
