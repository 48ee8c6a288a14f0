-- name: versions
-- {history}   $1 partition   $2 streams, $3 versions: of equal length
-- The rows of histories that are there, with the columns of a view's row.
SELECT h.stream_id, h.partition, h.version, h.position,
       h.created_by, h.created_at, h.modified_by, h.modified_at, h.doc
  FROM unnest($2::uuid[], $3::bigint[]) AS wanted(stream, version)
  -- (LIMIT 1 keeps it one probe of the index for each stream.)
 CROSS JOIN LATERAL (
           SELECT *
             FROM {history} AS r
            WHERE r.partition = $1
              AND r.stream_id = wanted.stream
              AND r.version = wanted.version
            LIMIT 1
       ) AS h;
