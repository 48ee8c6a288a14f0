-- name: followers
-- $1 names of our own followers; those that others wrote have their places beside them
-- The age is that of the oldest event that is still to be taken up.
SELECT n.name, h.partition, h.position AS head, coalesce(c.position, 0) AS position,
       l.holder, coalesce(l.until > now(), false) AS is_held,
       extract(epoch FROM now() - e.recorded_at)::float8 AS age_s
  FROM (SELECT unnest($1::text[]) AS name
         UNION
        SELECT name FROM follower_checkpoint) AS n
 CROSS JOIN log_partition AS h
  LEFT JOIN follower_checkpoint AS c
    ON c.partition = h.partition
   AND c.name = n.name
  LEFT JOIN lease AS l
    ON l.name = 'follow_' || n.name
  LEFT JOIN stored_events AS e
    ON e.partition = h.partition
   AND e.notification_id = coalesce(c.position, 0) + 1
 ORDER BY n.name, h.partition;

-- name: behind
-- Streams whose rows lack events, for each version of a view.
SELECT name, partition, count(*) AS streams
  FROM view_behind
 GROUP BY name, partition;

-- name: rebuilt
-- When each view, or a follower at somebody's ask, was rebuilt last.
SELECT v.name, max(r.changed_at) AS at
  FROM rebuild AS r
 CROSS JOIN LATERAL unnest(r.views) AS v(name)
 WHERE r.state = 'live'
   AND r.kind IN ('rebuild', 'refill')
 GROUP BY v.name;
