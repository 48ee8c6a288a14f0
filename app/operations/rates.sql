-- name: counted
-- $1 steps   $2 seconds of a step
-- How many events the log had at the end of each step; the last one ends now. Times never run
-- backwards in a partition, so that halving finds them with the key of positions.
SELECT c.number, c.at, c.events
  FROM counted_1(ARRAY(SELECT now() - make_interval(secs => $2::float8 * ($1::integer - n.number))
                         FROM generate_series(0, $1::integer) AS n(number)
                        ORDER BY n.number)) AS c
 ORDER BY c.number;
