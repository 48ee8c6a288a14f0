-- name: check_value
SELECT value
  FROM log_setting
 WHERE name = 'master_key_check';

-- name: writable
SELECT NOT pg_is_in_recovery()
       AND NOT current_setting('default_transaction_read_only')::boolean AS writable;
