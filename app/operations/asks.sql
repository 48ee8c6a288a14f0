-- name: ask
-- $1 kind   $2 names   $3 stream; null   $4 whether it only compares   $5 who asks   $6 request id
-- $7 idempotency key; null
SELECT a.id, a.outcome FROM ask_rebuild_1($1, $2, $3, $4, $5, $6, $7) AS a;

-- name: steer
-- $1 id   $2 pause, resume or cancel   $3 who asks   $4 request id
SELECT s.state, s.unfinished, s.done FROM steer_rebuild_1($1, $2, $3, $4) AS s;

-- name: followers
-- $1 our own ones; those that others wrote have their places
SELECT n.name
  FROM unnest($1::text[]) WITH ORDINALITY AS n(name, nth)
 UNION ALL
SELECT DISTINCT c.name
  FROM follower_checkpoint AS c
 WHERE c.name <> ALL ($1);
