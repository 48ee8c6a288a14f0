-- name: latest
-- The largest checkpoint of each partition that the log fits, with its latest signatures.
SELECT c.number, c.partition, c.size, c.note,
       greatest(0, extract(epoch FROM clock_timestamp() - c.signed_at))::float8 AS age_s
  FROM generate_series(0, partitions_1() - 1) AS h(partition)
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
