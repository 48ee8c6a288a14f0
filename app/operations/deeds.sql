-- name: add
-- $1 command   $2 seconds   $3 outcome   $4 whether it went well   $5 what it covers; null
INSERT INTO deed (name, seconds, outcome, well, covers) VALUES ($1, $2, $3, $4, $5::text::jsonb);

-- name: forget
-- $1 how many are kept
DELETE FROM deed WHERE number <= (SELECT max(number) - $1 FROM deed);

-- name: last
-- $1 commands; the last one of each
SELECT d.*
  FROM unnest($1::text[]) AS c(name)
 CROSS JOIN LATERAL (
           SELECT t.name, t.ended_at, t.seconds, t.outcome, t.well, t.login,
                  host(t.address) AS address, t.covers::text AS covers,
                  extract(epoch FROM clock_timestamp() - t.ended_at)::float8 AS age_s
             FROM deed AS t
            WHERE t.name = c.name
            ORDER BY t.number DESC
            LIMIT 1
       ) AS d;

-- name: latest
-- $1 how many
SELECT name, ended_at, seconds, outcome, well, login, host(address) AS address,
       covers::text AS covers,
       extract(epoch FROM clock_timestamp() - ended_at)::float8 AS age_s
  FROM deed
 ORDER BY number DESC
 LIMIT $1;

-- name: named
-- $1 command   $2 how many
SELECT name, ended_at, seconds, outcome, well, login, host(address) AS address,
       covers::text AS covers,
       extract(epoch FROM clock_timestamp() - ended_at)::float8 AS age_s
  FROM deed
 WHERE name = $1
 ORDER BY number DESC
 LIMIT $2;
