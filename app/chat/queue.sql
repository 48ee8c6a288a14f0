-- name: waiting
-- $1 sessions, at most; those that have waited longest come first
SELECT chat_session_id
  FROM chat_session_entity
 WHERE status = 'InQueue'
 ORDER BY when_requested, chat_session_id
 LIMIT $1;

-- name: pending
SELECT count(*)::integer AS sessions
  FROM chat_session_entity
 WHERE status = 'InQueue';

-- name: ranks
-- $1 associate
SELECT rank
  FROM chat_session_entity
 WHERE user_associate_id = $1
   AND status IN ('CustomerLast', 'UserLast');
