-- name: analyze
-- {fresh} table
ANALYZE {fresh};

-- name: doc
-- {live} table   $1 partition   $2 stream
SELECT doc
  FROM {live}
 WHERE partition = $1
   AND stream_id = $2;
