-- name: places
-- $1 follower; the end of each partition, and the position up to which the follower is done
SELECT h.partition, h.position AS head, coalesce(f.position, 0) AS reached
  FROM log_partition AS h
  LEFT JOIN follower_checkpoint AS f
    ON f.partition = h.partition
   AND f.name = $1
 ORDER BY h.partition;

-- name: restart
-- $1 name of the follower   $2 token of its lease
SELECT restart_follower_1($1, $2) AS done;
