-- name: find
-- $1 SHA-256 of the token; no row for a session that has ended
SELECT name, roles, associate_id, must_change_password, generation, sign_in, permanent, seen_at,
       expires_at
  FROM credential_of_sign_in_1($1);

-- name: seen
-- $1 id of the sign-in
UPDATE login_session
   SET seen_at = now()
 WHERE id = $1;

-- name: open
-- $1 principal, $2 partition and $3 name of its stream
-- Its sign-ins that have not ended, the newest first, with the keys of the stream.
SELECT s.id, s.opened_at, s.seen_at, s.sealed_address, s.means, s.permanent, s.expires_at,
       (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = $2
           AND k.stream_id = $3) AS wrapped
  FROM login_session AS s
 WHERE s.principal = $1
   AND s.expires_at > now()
   AND s.seen_at + s.idle > now()
 ORDER BY s.opened_at DESC, s.id DESC;
