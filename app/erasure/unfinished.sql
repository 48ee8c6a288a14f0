-- name: erase
-- $1 partitions, $2 streams: of equal length; false: something is in the way
SELECT erase_fresh_2($1, $2) AS done;
