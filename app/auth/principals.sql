-- name: by_name
-- $1 name
SELECT name, password_hash, roles, associate_id
  FROM principal
 WHERE name = $1;

-- name: associate
-- $1 name   $2 associate's number; the principal with that name takes precedence
SELECT p.name, p.roles, p.associate_id
  FROM (SELECT 1 AS place, name FROM principal WHERE name = $1
         UNION ALL
        SELECT 2, name FROM principal WHERE associate_id = $2) AS found
  JOIN principal AS p
    ON p.name = found.name
 ORDER BY found.place
 LIMIT 1;

-- name: by_token
-- $1 SHA-256 of the token
SELECT p.name, p.password_hash, p.roles, p.associate_id
  FROM token AS t
  JOIN principal AS p ON p.name = t.principal
 WHERE t.hash = $1;

-- name: all
SELECT name, roles
  FROM principal
 ORDER BY name;

-- name: add
-- $1 name   $2 argon2id hash, or null   $3 roles; returns no row if the name is taken
INSERT INTO principal (name, password_hash, roles)
VALUES ($1, $2, $3)
    ON CONFLICT (name) DO NOTHING
RETURNING name;

-- name: add_first
-- $1 name   $2 argon2id hash   $3 roles; returns no row if any principal exists
INSERT INTO principal (name, password_hash, roles)
SELECT $1, $2, $3
 WHERE NOT EXISTS (SELECT FROM principal)
    ON CONFLICT (name) DO NOTHING
RETURNING name;

-- name: add_token
-- $1 SHA-256 of the token   $2 name; returns no row if the principal does not exist
INSERT INTO token (hash, principal)
SELECT $1, name
  FROM principal
 WHERE name = $2
RETURNING principal;

-- name: add_token_for
-- $1 SHA-256 of the token   $2 name   $3 roles; returns no row unless the principal has just these
INSERT INTO token (hash, principal)
SELECT $1, name
  FROM principal
 WHERE name = $2
   AND roles = $3
RETURNING principal;
