-- name: keys
-- Those that sign; then former ones, the latest first.
SELECT k.id, k.algorithm, k.public, k.sealed, k.since, k.until
  FROM signing_key AS k
 ORDER BY k.until DESC NULLS FIRST, k.id DESC;

-- name: current
SELECT k.id
  FROM signing_key AS k
 WHERE k.until IS NULL
 ORDER BY k.id;

-- name: add
-- $1 algorithm   $2 public key   $3 private key, sealed
SELECT add_signing_key_1($1, $2, $3);

-- name: end
-- Those that sign do so no more. (Only the owner may.)
UPDATE signing_key
   SET until = now()
 WHERE until IS NULL;

-- name: log_name
SELECT s.value AS name
  FROM log_setting AS s
 WHERE s.name = 'log_name';
