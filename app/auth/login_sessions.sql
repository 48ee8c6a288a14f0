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
-- $1 principal; its sign-ins that have not ended, the newest first
SELECT id, opened_at, seen_at, address, means, permanent, expires_at
  FROM login_session
 WHERE principal = $1
   AND expires_at > now()
   AND seen_at + idle > now()
 ORDER BY opened_at DESC, id DESC;
