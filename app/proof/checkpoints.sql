-- name: latest
-- $1 partition; the largest that the log fits, with its latest signatures
SELECT c.number, c.partition, c.size, c.signed_at, c.note, c.unfit_since
  FROM log_checkpoint AS c
 WHERE c.partition = $1
   AND c.unfit_since IS NULL
 ORDER BY c.size DESC, c.number DESC
 LIMIT 1;

-- name: of_size
-- $1 partition   $2 size
SELECT c.number, c.partition, c.size, c.signed_at, c.note, c.unfit_since
  FROM log_checkpoint AS c
 WHERE c.partition = $1
   AND c.size = $2
   AND c.unfit_since IS NULL
 ORDER BY c.number DESC
 LIMIT 1;

-- name: all_kept
-- $1 partition   $2 after this number   $3 checkpoints, at most
SELECT c.number, c.partition, c.size, c.signed_at, c.note, c.unfit_since
  FROM log_checkpoint AS c
 WHERE c.partition = $1
   AND c.number > $2
 ORDER BY c.number
 LIMIT $3;

-- name: keep
-- $1 partition   $2 size   $3 note
SELECT keep_checkpoint_1($1, $2, $3) AS number;

-- name: mark
-- $1 numbers
SELECT mark_checkpoints_1($1);

-- name: thin
SELECT thin_checkpoints_1();

-- name: uncovered
-- For each partition: its head, the tree, the largest checkpoint that fits, and how old the first
-- event is that it does not cover; null: it covers all.
SELECT h.partition, h.position AS head, coalesce(t.size, 0) AS size,
       coalesce(t.frontier, '') AS frontier, coalesce(c.size, 0) AS signed,
       CASE WHEN h.position > coalesce(c.size, 0)
            THEN greatest(0, extract(epoch FROM clock_timestamp()
                                                - coalesce(e.recorded_at, h.recorded_at)))::float8
       END AS age_s
  FROM log_partition AS h
  LEFT JOIN tree AS t
    ON t.partition = h.partition
 CROSS JOIN LATERAL (SELECT max(k.size) AS size
                       FROM log_checkpoint AS k
                      WHERE k.partition = h.partition
                        AND k.unfit_since IS NULL) AS c
  LEFT JOIN stored_events AS e
    ON e.partition = h.partition
   AND e.notification_id = coalesce(c.size, 0) + 1
   AND isfinite(e.recorded_at)
 ORDER BY h.partition;
