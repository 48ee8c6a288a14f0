-- name: take_lease
-- $1 name   $2 holder   $3 seconds
-- A row, if the holder has the lease now: it was the holder's, free, or expired.
INSERT INTO lease AS l (name, holder, until, token)
VALUES ($1, $2, now() + make_interval(secs => $3),
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       until = excluded.until,
       token = l.token + (l.holder <> excluded.holder)::integer
 WHERE l.holder = excluded.holder
    OR l.until <= now()
RETURNING l.token;

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

-- name: latest
-- The largest checkpoint of each partition that the log fits, with its latest signatures.
SELECT c.number, c.partition, c.size, c.note,
       greatest(0, extract(epoch FROM clock_timestamp() - c.signed_at))::float8 AS age_s
  FROM log_partition AS h
 CROSS JOIN LATERAL (SELECT k.*
                       FROM log_checkpoint AS k
                      WHERE k.partition = h.partition
                        AND k.unfit_since IS NULL
                      ORDER BY k.size DESC, k.number DESC
                      LIMIT 1) AS c
 ORDER BY c.number;

-- name: later
-- $1 number   $2 checkpoints, at most; of all partitions
SELECT c.number, c.partition, c.size, c.note,
       greatest(0, extract(epoch FROM clock_timestamp() - c.signed_at))::float8 AS age_s
  FROM log_checkpoint AS c
 WHERE c.number > $1
   AND c.unfit_since IS NULL
 ORDER BY c.number
 LIMIT $2;

-- name: keep
-- $1 partition   $2 size   $3 note
SELECT keep_checkpoint_1($1, $2, $3) AS number;
