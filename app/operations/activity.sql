-- name: activity
-- $1 first day, $2 last day: null: no end   $3 account; null: all, '': sessions without one
-- $4 rows, at most
-- Newest days first.
SELECT a.account_id, a.day, sum(a.opened)::bigint AS opened, sum(a.changed)::bigint AS changed,
       sum(a.closed)::bigint AS closed,
       (SELECT count(DISTINCT x.actor)
          FROM activity_actor AS x
         WHERE x.account_id = a.account_id
           AND x.day = a.day
           AND x.partition IN (SELECT partition FROM log_partition)) AS actors
  FROM activity AS a
 WHERE ($1::date IS NULL OR a.day >= $1)
   AND ($2::date IS NULL OR a.day <= $2)
   AND ($3::text IS NULL OR a.account_id = $3)
 GROUP BY a.account_id, a.day
 ORDER BY a.day DESC, a.account_id
 LIMIT $4;

-- name: reached
SELECT h.partition, coalesce(f.position, 0) AS position, h.position AS head
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = 'activity'
 ORDER BY h.partition;

-- name: waiting
SELECT count(*) AS streams
  FROM quarantine
 WHERE follower = 'activity';
