-- name: ends
-- $1 partitions, $2 streams: of equal length
-- The first and the last event of each stream; no row for one without events.
SELECT stream, first_at, last_at, version, position
  FROM stream_ends_1($1, $2)
 ORDER BY number;
