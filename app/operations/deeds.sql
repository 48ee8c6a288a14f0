-- name: add
-- $1 command   $2 seconds   $3 outcome   $4 whether it went well   $5 what it covers; null
INSERT INTO deed (name, seconds, outcome, well, covers) VALUES ($1, $2, $3, $4, $5::text::jsonb);

-- name: forget
-- $1 how many are kept
DELETE FROM deed WHERE number <= (SELECT max(number) - $1 FROM deed);

-- name: latest
-- $1 commands; null: all   $2 how many of each   $3 and of all together, at most
SELECT d.name, d.ended_at, d.seconds, d.outcome, d.well, d.login, host(d.address) AS address,
       d.covers::text AS covers,
       extract(epoch FROM clock_timestamp() - d.ended_at)::float8 AS age_s
  FROM (SELECT t.*, row_number() OVER (PARTITION BY t.name ORDER BY t.number DESC) AS nth
          FROM deed AS t
         WHERE $1::text[] IS NULL
            OR t.name = ANY ($1)) AS d
 WHERE d.nth <= $2
 ORDER BY d.number DESC
 LIMIT $3;
