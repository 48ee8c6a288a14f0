-- name: live
SELECT view, version
  FROM view_version;

-- name: go_live
-- $1 view   $2 version   $3 tables of the versions before   $4 tables of all histories
SELECT go_live_1($1, $2, $3, $4);
