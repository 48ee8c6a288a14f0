-- Auditors read events with the metadata that is stored beside them.
CREATE OR REPLACE VIEW recorded_event AS
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor,
       -- (LIMIT 1 keeps this at one index probe for each event.)
       (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = e.partition
           AND k.stream_id = e.originator_id
         LIMIT 1) AS wrapped,
       e.metadata
  FROM stored_events AS e;
