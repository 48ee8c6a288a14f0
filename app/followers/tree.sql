-- name: write
-- $1 partition   $2 token   $3 after position   $4 up to position   $5 id of the event there
-- $6 frontier   $7-$10 rows of hashes: levels, numbers, bytes before, what is added
-- $11 signed checkpoint; null: none is due
SELECT follow_tree_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS done;
