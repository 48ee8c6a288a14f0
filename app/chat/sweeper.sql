-- name: lease
-- $1 holder   $2 seconds; a row if the holder has it now: it was his, free, or over
INSERT INTO lease AS l (name, holder, until)
VALUES ('chat_sweep', $1, now() + make_interval(secs => $2))
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       until = excluded.until
 WHERE l.holder = excluded.holder
    OR l.until <= now()
RETURNING holder;

-- name: dead
-- $1 ticks up to which a customer was seen last   $2 sessions to leave out   $3 sessions, at most
SELECT chat_session_id
  FROM chat_session_entity
 WHERE watched <= $1
   AND chat_session_id <> ALL($2::integer[])
 ORDER BY watched
 LIMIT $3;
