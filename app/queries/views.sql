-- name: look_up
-- {view}   $1 partitions, $2 streams: of equal length
-- Returns a row for each, which is empty if the view has none.
SELECT * FROM look_up_{view}_1($1, $2);

-- name: account_name
(SELECT i.name FROM account_info AS i WHERE i.account_id = v.account_id LIMIT 1)

-- name: alive
SELECT 1 AS alive;
