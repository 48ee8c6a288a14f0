-- name: reached
-- $1 follower   $2 views
-- The position up to which it is done with each partition, and the histories of these views go that have
-- followers of their own.
SELECT least(coalesce(f.position, 0),
             (SELECT min(coalesce(o.position, 0))
                FROM view_version AS v
                LEFT JOIN follower_checkpoint AS o
                  ON o.partition = h.partition
                 AND o.name = 'history_' || v.name
               WHERE v.name = ANY ($2::text[]))) AS position
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = $1
 ORDER BY h.partition;
