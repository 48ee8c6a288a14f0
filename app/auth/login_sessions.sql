-- name: open
-- $1 SHA-256 of the token   $2 principal   $3 permanent   $4 seconds of validity
-- Returns no row if the principal does not exist. Also deletes expired sessions.
WITH over AS (
    DELETE FROM login_session
     WHERE expires_at <= now()
)
INSERT INTO login_session (hash, principal, permanent, expires_at)
SELECT $1, p.name, $3, now() + make_interval(secs => $4)
  FROM principal AS p
 WHERE p.name = $2
RETURNING principal;

-- name: find
-- $1 SHA-256 of the token
SELECT p.name, p.roles, p.associate_id, s.permanent
  FROM login_session AS s
  JOIN principal AS p
    ON p.name = s.principal
 WHERE s.hash = $1
   AND s.expires_at > now();

-- name: close
-- $1 SHA-256 of the tokens
DELETE FROM login_session
 WHERE hash = ANY ($1::bytea[]);
