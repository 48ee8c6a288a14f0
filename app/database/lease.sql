-- name: take
-- $1 name   $2 holder   $3 seconds
-- Returns the token if the holder has the lease now: it was the holder's, free, or expired.
-- (A restored log has no leases. The first token is the time, so that no earlier one was the same.)
INSERT INTO lease AS l (name, holder, until, token)
VALUES ($1, $2, now() + make_interval(secs => $3),
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       until = excluded.until,
       token = l.token + (l.holder <> excluded.holder)::integer
 WHERE l.holder = excluded.holder
    OR l.until <= now()
RETURNING token;

-- name: is_taken
-- $1 name   $2 holder
-- Whether another one has the lease. (Only looks: a try to take it would write.)
SELECT EXISTS (SELECT
                 FROM lease AS l
                WHERE l.name = $1
                  AND l.holder <> $2
                  AND l.until > now()) AS is_taken;

-- name: give_up
-- $1 name   $2 holder
UPDATE lease
   SET until = now()
 WHERE name = $1
   AND holder = $2;
