-- One row that is only ever locked, never updated: who holds it may append. The newest position is that
-- of the newest event.
CREATE TABLE IF NOT EXISTS :"schema".position (one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one));
INSERT INTO :"schema".position DEFAULT VALUES ON CONFLICT DO NOTHING;
