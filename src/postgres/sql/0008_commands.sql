-- What is remembered of a command id, for as long as the store exists. `own`: made by the store for an append whose
-- event ids are all its writer's, to be told from itself when it is sent again; may be pruned after a day.
CREATE TABLE IF NOT EXISTS :"schema".commands (
  command_id UUID PRIMARY KEY,
  digest UUID NOT NULL,
  stream TEXT COLLATE "C" NOT NULL,
  stream_version BIGINT NOT NULL,
  first_position BIGINT NOT NULL,
  last_position BIGINT NOT NULL,
  own BOOLEAN NOT NULL
);
