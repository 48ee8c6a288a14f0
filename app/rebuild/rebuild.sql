-- name: lazily
-- Nobody waits for the disk until the end: a crash of the server may undo the last steps, each with
-- the knowledge that it was done.
SET synchronous_commit = off;

-- name: durably
RESET synchronous_commit;

-- name: analyze
-- {fresh} table
ANALYZE {fresh};

-- name: doc
-- {live} table   $1 partition   $2 stream
SELECT doc
  FROM {live}
 WHERE partition = $1
   AND stream_id = $2;
