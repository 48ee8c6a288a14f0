-- name: begin
-- $1 when the backup's own key is to be destroyed, $2 the key's id; null: it has none
INSERT INTO backup_begun (until, key_id) VALUES ($1, $2);

-- name: destroyed
-- $1 id of the key   $2 when it was made   $3 when it was to be destroyed   $4 when it was
-- (A restored log may know nothing of the backup.)
INSERT INTO backup_begun AS b
       (key_id, begun_at, until, destroyed_at, destroyed_by, destroyed_from)
VALUES ($1, $2, $3, $4, session_user, inet_client_addr())
    ON CONFLICT (key_id) DO UPDATE
   SET destroyed_at = excluded.destroyed_at, destroyed_by = excluded.destroyed_by,
       destroyed_from = excluded.destroyed_from
 WHERE b.destroyed_at IS NULL;

-- name: keys
-- $1 keys, at most
SELECT b.key_id, b.begun_at, b.until, b.destroyed_at, b.destroyed_by,
       host(b.destroyed_from) AS destroyed_from
  FROM backup_begun AS b
 WHERE b.key_id IS NOT NULL
 ORDER BY b.number DESC
 LIMIT $1;
