-- name: behind
-- $1 names of versions   $2 streams, at most
-- Streams whose rows lack events, and the last version of each stream.
SELECT * FROM behind_1($1, $2) AS b ORDER BY b.name, b.partition, b.stream_id;

-- name: renew
-- $1 name of the version   $2 partition   $3-$5 streams: ids, versions, whether each is damaged
-- $6-$14 rows: streams, versions, positions, created by, at, modified by, at, documents, search values
SELECT renew_rows_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS settled;
