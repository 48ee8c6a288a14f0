-- name: by_name
-- $1 name
SELECT name, roles, associate_id, must_change_password, state, generation, password_hash
  FROM credential_of_name_1($1);

-- name: by_token
-- $1 SHA-256 of the token; no row for one that has ended
SELECT name, roles, associate_id, must_change_password,
       generation, token_id, issued_by, sign_in, expires_at, last_used_at
  FROM credential_of_token_1($1);

-- name: token_used
-- $1 id of the token
UPDATE token
   SET last_used_at = now()
 WHERE id = $1;

-- name: associate
-- $1 name   $2 associate's number; the principal with that name takes precedence
SELECT p.name, p.doc -> 'roles' AS roles, p.associate_id, false AS must_change_password
  FROM (SELECT 1 AS place, partition, stream_id FROM principal WHERE name = $1
         UNION ALL
        SELECT 2, partition, stream_id FROM principal WHERE associate_id = $2) AS found
  JOIN principal AS p
    ON p.partition = found.partition
   AND p.stream_id = found.stream_id
 WHERE p.doc ->> 'state' = 'active'
   AND p.associate_id > 0
 ORDER BY found.place
 LIMIT 1;
