-- One row for each tag of an event, for conditions and filtered reads.
CREATE TABLE IF NOT EXISTS :"schema".event_tags (
  tag TEXT COLLATE "C" NOT NULL,
  global_position BIGINT NOT NULL,
  PRIMARY KEY (tag, global_position)
);
