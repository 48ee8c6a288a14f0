-- name: draft
-- $1 id of the erasure   $2 who asked   $3 reason   $4 number of sessions   $5 what it will say
SELECT draft_receipt_1($1, $2, $3, $4, $5);

-- name: issue
-- $1 id   $2 the signed receipt
SELECT issue_receipt_1($1, $2) AS line;

-- name: one
-- $1 id
SELECT r.erased_at, r.draft, r.line
  FROM receipt AS r
 WHERE r.id = $1;

-- name: known
-- $1 ids: those that have a receipt, or will have one
SELECT r.id
  FROM receipt AS r
 WHERE r.id = ANY ($1::uuid[]);

-- name: page
-- $1 before this receipt; null: from the latest one on   $2 receipts, at most
SELECT r.id, r.erased_at, r.asked_by, r.reason, r.sessions, r.line IS NOT NULL AS is_signed
  FROM receipt AS r
 WHERE $1::uuid IS NULL
    OR (r.erased_at, r.id) < (SELECT b.erased_at, b.id FROM receipt AS b WHERE b.id = $1)
 ORDER BY r.erased_at DESC, r.id DESC
 LIMIT $2;

-- name: backups
-- $1 time of an erasure   $2 days after which unsealed ones are gone, by the policy
-- What is on record of copies from before it.
SELECT count(b.until) FILTER (WHERE b.destroyed_at IS NULL) AS sealed,
       max(b.until) FILTER (WHERE b.destroyed_at IS NULL) AS sealed_until,
       count(*) FILTER (WHERE b.is_unsealed) AS unsealed,
       max(b.begun_at) FILTER (WHERE b.is_unsealed) AS last_unsealed,
       count(b.destroyed_at) AS destroyed, max(b.destroyed_at) AS last_destroyed
  FROM (SELECT t.begun_at, t.until, t.destroyed_at,
               t.until IS NULL AND t.begun_at > $1::timestamptz - make_interval(days => $2) AS is_unsealed
          FROM backup_begun AS t
         WHERE t.begun_at <= $1) AS b;

-- name: drafts
-- $1 ids: those that are not signed yet
SELECT r.id
  FROM receipt AS r
 WHERE r.id = ANY ($1::uuid[])
   AND r.line IS NULL;
