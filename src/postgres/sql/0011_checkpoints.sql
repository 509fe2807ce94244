-- How far subscriptions have come; lease and fencing token are for competing consumers.
CREATE TABLE IF NOT EXISTS :"schema".checkpoints (
  subscription TEXT COLLATE "C" PRIMARY KEY,
  checkpoint TEXT NOT NULL,
  owner TEXT,
  lease_until TIMESTAMPTZ,
  fencing_token BIGINT NOT NULL DEFAULT 0
);
