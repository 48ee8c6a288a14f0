-- name: positions
-- $1 partition   $2 after position   $3 up to position; the number of events there, and the
-- positions of events that are earlier than the one before them
SELECT count(*) FILTER (WHERE e.notification_id > $2) AS events,
       coalesce(array_agg(e.notification_id ORDER BY e.notification_id)
                    FILTER (WHERE e.recorded_at < e.before AND e.notification_id > $2),
                '{}') AS backwards
  FROM (SELECT s.notification_id, s.recorded_at,
               lag(s.recorded_at) OVER (ORDER BY s.notification_id) AS before
          FROM stored_events AS s
         WHERE s.partition = $1
           AND s.notification_id >= $2
           AND s.notification_id <= $3) AS e;

-- name: beyond
-- $1 partition   $2 position; the present head, the number of events after the position, and the
-- last position of all
SELECT h.position AS head,
       (SELECT count(*)
          FROM stored_events AS e
         WHERE e.partition = h.partition
           AND e.notification_id > $2) AS events,
       (SELECT coalesce(max(e.notification_id), 0)
          FROM stored_events AS e
         WHERE e.partition = h.partition) AS last
  FROM log_partition AS h
 WHERE h.partition = $1;

-- name: strays
-- Partitions that have events but no head.
SELECT partition, events FROM strays_1() ORDER BY partition;

-- name: drawn
-- $1 sequence; its last number drawn, null before the first
SELECT last_drawn_1($1) AS last;

-- name: mend
SELECT move_sequence_1('{sequence}', {number})

-- name: ahead
-- Partitions whose time is ahead of the clock, and by how many seconds.
SELECT h.partition, h.recorded_at,
       extract(epoch FROM h.recorded_at - clock_timestamp())::float8 AS seconds
  FROM log_partition AS h
 WHERE h.recorded_at > clock_timestamp()
 ORDER BY h.partition;
