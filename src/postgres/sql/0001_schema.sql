-- The schema, and what is known of the store as a whole. Run with psql -v schema=annals -v payload=json
-- -v durability=… as docs/postgres.md says; the library replaces the same variables.
CREATE SCHEMA IF NOT EXISTS :"schema";
CREATE TABLE IF NOT EXISTS :"schema".migrations (
  version INT PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS :"schema".store (
  one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
  store_id UUID NOT NULL,
  payload TEXT NOT NULL CHECK (payload IN ('json', 'jsonb')),
  partitions INT NOT NULL DEFAULT 0,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
