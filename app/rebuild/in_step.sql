-- name: behind
-- $1 names of versions   $2 streams, at most
-- Streams whose rows lack events, and the last version of each stream.
SELECT b.name, b.partition, b.stream_id, s.version
  FROM (SELECT m.name, m.partition, m.stream_id
          FROM view_behind AS m
         WHERE m.name = ANY ($1::text[])
         LIMIT $2) AS b
 CROSS JOIN LATERAL (
           SELECT e.originator_version AS version
             FROM stored_events AS e
            WHERE e.partition = b.partition
              AND e.originator_id = b.stream_id
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS s
 ORDER BY b.name, b.partition, b.stream_id;

-- name: renew
-- $1 name of the version   $2 partition   $3-$5 streams: ids, versions, whether each is damaged
-- $6-$14 rows: streams, versions, positions, created by, at, modified by, at, documents, search values
SELECT renew_rows_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS settled;
