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
SELECT partition, head, size, frontier, signed, age_s FROM uncovered_1() ORDER BY partition;
