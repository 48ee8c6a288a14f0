-- name: numbers
-- $1 how many
SELECT nextval('chat_message_number')::integer
  FROM generate_series(1, $1::integer);
