-- How many partitions the log has, and one view for each, for readers that know no partitions. The recorders of the
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

    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION partitions_1() RETURNS integer
        LANGUAGE sql IMMUTABLE
        AS 'SELECT %s'
        $function$, (SELECT count(*) FROM log_partition));
END $make$;

-- The partition that keeps a stream, of so many: as `partition_of` in the service.
CREATE OR REPLACE FUNCTION partition_of_1(p_stream uuid, p_partitions integer) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
SELECT ((((w.a % p_partitions << 32 | w.b) % p_partitions << 32 | w.c) % p_partitions << 32 | w.d)
        % p_partitions)::integer
  FROM (SELECT ('x' || substr(x.hex, 1, 8))::bit(32)::bigint AS a,
               ('x' || substr(x.hex, 9, 8))::bit(32)::bigint AS b,
               ('x' || substr(x.hex, 17, 8))::bit(32)::bigint AS c,
               ('x' || substr(x.hex, 25, 8))::bit(32)::bigint AS d
          FROM (SELECT encode(uuid_send(p_stream), 'hex') AS hex) AS x) AS w
$$;
