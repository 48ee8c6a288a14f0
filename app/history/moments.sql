-- name: cut_at
-- $1 time
-- Returns, for each partition, the position of its last event up to the time; 0: there is none.
-- Times never run backwards in a partition, so that halving finds it with the key of positions.
SELECT partition, position FROM cut_at_1($1) ORDER BY partition;

-- name: heads
SELECT partition, position, recorded_at
  FROM log_partition
 ORDER BY partition;

-- name: times
-- $1 partitions, $2 positions: of equal length
SELECT e.recorded_at
  FROM unnest($1::integer[], $2::bigint[]) AS wanted(partition, position)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.notification_id = wanted.position;

-- name: at_version
-- $1 partition   $2 stream   $3 version
SELECT notification_id AS position, recorded_at
  FROM stored_events
 WHERE partition = $1
   AND originator_id = $2
   AND originator_version = $3;

-- name: settle
SELECT settle_1();
