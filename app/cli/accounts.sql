-- name: all
SELECT account_id, name
  FROM account_info
 ORDER BY account_id;
