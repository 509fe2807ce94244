-- The two tables that programs of the original know, as views: they read with search_path set to this schema.
CREATE SCHEMA IF NOT EXISTS :"mission";
CREATE OR REPLACE VIEW :"mission".events AS
  SELECT event_id, aggregate_id, version, event_type, event_data,
         json_build_object(
           'event_id', event_id, 'aggregate_id', aggregate_id, 'version', version, 'timestamp', timestamp,
           'event_type', event_type, 'causation_id', metadata->>'causation_id',
           'correlation_id', metadata->>'correlation_id') AS metadata,
         timestamp
  FROM :"schema".events;
CREATE OR REPLACE VIEW :"mission".snapshots AS
  SELECT DISTINCT ON (aggregate_id) aggregate_id, version, snapshot_data, created_at
  FROM :"schema".snapshots WHERE shape = 0 ORDER BY aggregate_id, version DESC;
