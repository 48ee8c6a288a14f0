-- name: reached
-- $1 views
-- The position up to which each partition is in the index of events, and in the histories of these views.
SELECT least(coalesce(f.position, 0),
             (SELECT min(coalesce(o.position, 0))
                FROM view_version AS v
                LEFT JOIN follower_checkpoint AS o
                  ON o.partition = h.partition
                 AND o.name = 'history_' || v.name
               WHERE v.name = ANY ($1::text[]))) AS position
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = 'history'
 ORDER BY h.partition;
