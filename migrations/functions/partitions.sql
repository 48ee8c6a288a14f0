-- One view for each partition of the log, for readers that know no partitions. The recorders of the
-- eventsourcing library read `stored_events_0` and so on, each with positions of its own. The
-- number of partitions was fixed when the log was made.

DO $make$
DECLARE
    number integer;
BEGIN
    FOR number IN SELECT h.partition FROM log_partition AS h ORDER BY h.partition
    LOOP
        EXECUTE format($view$
            CREATE OR REPLACE VIEW stored_events_%1$s AS
            SELECT e.originator_id, e.originator_version, e.topic, e.state, e.notification_id,
                   e.event_id, e.recorded_at, e.actor, e.metadata
              FROM stored_events AS e
             WHERE e.partition = %1$s
            $view$, number);
    END LOOP;
END $make$;
