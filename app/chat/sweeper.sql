-- name: dead
-- $1 ticks: customers last seen by then   $2 sessions to leave out   $3 sessions, at most
SELECT chat_session_id
  FROM chat_session_entity
 WHERE watched <= $1
   AND chat_session_id <> ALL($2::integer[])
 ORDER BY watched
 LIMIT $3;
