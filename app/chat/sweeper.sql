-- name: lease
-- $1 holder   $2 seconds
-- Returns a row if the holder has the lease now: it was the holder's, free, or expired.
INSERT INTO lease AS l (name, holder, until)
VALUES ('chat_sweep', $1, now() + make_interval(secs => $2))
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       until = excluded.until
 WHERE l.holder = excluded.holder
    OR l.until <= now()
RETURNING holder;

-- name: dead
-- $1 ticks: customers last seen by then   $2 sessions to leave out   $3 sessions, at most
SELECT chat_session_id
  FROM chat_session_entity
 WHERE watched <= $1
   AND chat_session_id <> ALL($2::integer[])
 ORDER BY watched
 LIMIT $3;
