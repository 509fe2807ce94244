-- What a role needs, and no more. psql -v schema=annals -v mission=mission -v writer=app -v reader=report -f roles.sql
-- after the migrations; the roles exist already. Nobody but the owner of the schema can update or delete an event.
GRANT USAGE ON SCHEMA :"schema", :"mission" TO :"writer", :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA :"schema" TO :"writer", :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA :"mission" TO :"writer", :"reader";
GRANT INSERT ON :"schema".categories, :"schema".streams, :"schema".events, :"schema".event_tags, :"schema".commands,
  :"schema".steps, :"schema".snapshots, :"schema".checkpoints TO :"writer";
GRANT UPDATE ON :"schema".position, :"schema".snapshots, :"schema".checkpoints TO :"writer";
GRANT UPDATE (truncate_before, tombstone, max_age, max_count) ON :"schema".streams TO :"writer";
