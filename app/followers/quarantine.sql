-- name: held
-- $1 follower
SELECT stream_id
  FROM quarantine
 WHERE follower = $1;

-- name: asked
-- $1 follower
SELECT q.partition, q.stream_id, q.version, q.position, f.position AS reached
  FROM quarantine AS q
  JOIN follower_checkpoint AS f
    ON f.partition = q.partition
   AND f.name = q.follower
 WHERE q.follower = $1
   AND q.redrive_asked IS NOT NULL
 ORDER BY q.redrive_asked, q.partition, q.position;

-- name: stays
-- $1 partition   $2 follower   $3 token   $4 reached   $5 stream   $6 position   $7 version   $8 error
SELECT redrive_1($1, $2, $3, $4, $5, $6, $6, $7, $8) AS done;

-- name: ask
-- $1 follower; null: all   $2 stream; null: all
UPDATE quarantine
   SET redrive_asked = now()
 WHERE ($1::text IS NULL OR follower = $1)
   AND ($2::uuid IS NULL OR stream_id = $2)
RETURNING follower, stream_id;

-- name: unanswered
-- $1 follower; null: all
SELECT count(*) AS streams
  FROM quarantine
 WHERE redrive_asked IS NOT NULL
   AND ($1::text IS NULL OR follower = $1);

-- name: left
-- $1 follower; null: all   $2 stream; null: all
SELECT count(*) AS streams
  FROM quarantine
 WHERE ($1::text IS NULL OR follower = $1)
   AND ($2::uuid IS NULL OR stream_id = $2);
