-- name: check_value
SELECT value
  FROM log_setting
 WHERE name = 'master_key_check';

-- name: chat_session_numbers
-- $1 how many
SELECT nextval('chat_session_number')::integer
  FROM generate_series(1, $1::integer);

-- name: try_to_write
-- A commit that everything is asked of: memory, disk, standby.
INSERT INTO lease (name, holder, until)
VALUES ('try_to_write', gen_random_uuid(), now())
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       until = excluded.until;
