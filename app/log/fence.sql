-- name: shown
-- $1 positions, by partition from 0; absent or null: the partition's last one
-- What this server shows of the log, a row for each partition, all of one moment: its events at these
-- positions, or at its end before them, and at its end; and up to there, how far the followers are. (A
-- list, a past or an audited read finds what was appended, and what followers made of it. What else it
-- depends on is in `marks`: erasures, keys, and which versions of views are live.)
SELECT pg_is_in_recovery() AS is_standby,
       (SELECT s.value FROM log_setting AS s WHERE s.name = 'log_name') AS log,
       coalesce((SELECT jsonb_object_agg(s.name, s.value) FROM log_setting AS s)::text, '')
           || coalesce((SELECT jsonb_object_agg(v.name, v.is_live) FROM view_version AS v)::text, '')
           AS marks,
       w.position, at.event_id, h.position AS end, last.event_id AS end_id,
       (SELECT jsonb_object_agg(f.name, least(f.position, w.position))
          FROM follower_checkpoint AS f
         WHERE f.partition = h.partition)::text AS followers
  FROM log_partition AS h
 CROSS JOIN LATERAL (
           SELECT least(h.position, ($1::bigint[])[h.partition + 1]) AS position
       ) AS w
  LEFT JOIN LATERAL (
           SELECT e.event_id
             FROM stored_events AS e
            WHERE e.partition = h.partition
              AND e.notification_id = w.position
            LIMIT 1
       ) AS at ON true
  LEFT JOIN LATERAL (
           SELECT e.event_id
             FROM stored_events AS e
            WHERE e.partition = h.partition
              AND e.notification_id = h.position
            LIMIT 1
       ) AS last ON true
 ORDER BY h.partition;
