-- name: token
-- $1 id
SELECT principal
  FROM token
 WHERE id = $1;

-- name: tokens
-- $1 principal; null: all
SELECT t.id, t.principal, t.label, t.issued_by, t.issued_at, t.expires_at, t.last_used_at
  FROM token AS t
 WHERE ($1::text IS NULL OR t.principal = $1)
   AND (t.expires_at IS NULL OR t.expires_at > now())
   AND (t.sign_in IS NULL
        OR EXISTS (SELECT
                     FROM login_session AS s
                    WHERE s.id = t.sign_in
                      AND s.expires_at > now()
                      AND s.seen_at + s.idle > now()))
 ORDER BY t.principal, t.issued_at, t.id;
