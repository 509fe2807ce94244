-- The names that stand before the first hyphen of stream names, and how the rest is told: 0: a stream is called
-- name-aggregate_id, or aggregate_id where the name is empty; 1: its aggregate_id is its stream key, the name stands in
-- streams; 2: it is called -aggregate_id.
CREATE TABLE IF NOT EXISTS :"schema".categories (
  category_id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  naming SMALLINT NOT NULL,
  UNIQUE (name, naming)
);
