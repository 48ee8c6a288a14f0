-- name: look_up
-- {view}   $1 partitions, $2 streams: of one length; a row for each, empty where there is none
SELECT wanted.stream, wanted.partition, v.version, v.position,
       v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
       {account_name} AS account_name
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  LEFT JOIN {view} AS v
    ON v.partition = wanted.partition
   AND v.stream_id = wanted.stream;

-- name: account_name
(SELECT i.name FROM account_info AS i WHERE i.account_id = v.account_id LIMIT 1)

-- name: alive
SELECT 1 AS alive;
