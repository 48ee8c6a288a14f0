-- name: few
-- `passing`: a block   $1 cut   $2 values   $3 number; whether no more rows than this have one of them
SELECT count(*) <= $3 AS are_few
  FROM (SELECT 1
        {passing}
         LIMIT $3 + 1) AS row;

-- name: view
-- {view}   {unindexed}: + 0, so that no index supports a condition   {least}, {most}: parameters
-- `further`: conditions
-- The rows of a view that were valid at a cut, in the place of its table: the statement behind
-- reads them as it reads the table. (PostgreSQL takes the expression apart, so that it uses the
-- indexes.)
{view} AS NOT MATERIALIZED (
    SELECT *
      FROM {view}_history AS h
     WHERE h.position{unindexed} <= {most}
       AND h.until{unindexed} > {least}
       {further}
)

-- name: in_partition
-- {cut}: parameter
-- Of more than one partition: from these the first two follow, in a form that indexes support.
AND h.position <= ({cut}::bigint[])[h.partition + 1]
AND h.until > ({cut}::bigint[])[h.partition + 1]

-- name: rising
-- {value}   {column}: its greatest value by segments   {cut}: parameter   (512: see 0010_past_lists.sql)
AND {value} <= (SELECT max(s.{column})
                  FROM log_partition AS p
                  JOIN history_reach AS s ON s.partition = p.partition
                 WHERE s.segment = (SELECT max(b.segment)
                                      FROM history_reach AS b
                                     WHERE b.partition = p.partition
                                       AND b.segment <= ({cut}::bigint[])[p.partition + 1] / 512))

-- name: first
-- {view}   {most}, {cut}: parameters
-- The first rows of the streams that had a row at a cut: as many, and found in an index alone.
{view} AS NOT MATERIALIZED (
    SELECT *
      FROM {view}_history AS h
     WHERE h.version = 1
       AND h.position <= {most}
       AND h.position <= ({cut}::bigint[])[h.partition + 1]
       AND coalesce(h.ended > ({cut}::bigint[])[h.partition + 1], true)
)

-- name: passing
-- {view}   {cut}, {values}: parameters
-- Where the rows come from that were valid at a cut and have one of the values in the column by which
-- `lasted` goes: from each class of durations, of which the longest is that of 10^18 positions.
-- ({fence}: OFFSET 0, which makes each class a probe of the index, or nothing.)
  FROM log_partition AS p
 CROSS JOIN unnest({values}::text[]) AS v(value)
 CROSS JOIN generate_series(0, 18) AS class
 CROSS JOIN LATERAL (
           SELECT *
             FROM {view}_history AS r
            WHERE r.lasted = v.value || ' ' || class
              AND r.partition = p.partition
              AND r.position <= ({cut}::bigint[])[p.partition + 1]
              AND r.position > ({cut}::bigint[])[p.partition + 1]
                             - least(10::float8 ^ (class + 1), 9e18)::bigint
              AND r.until > ({cut}::bigint[])[p.partition + 1]
            {fence}
       ) AS h

-- name: passing_view
-- {view}   `passing`: a block
-- As `view`, but only the rows that have one of the values.
{view} AS NOT MATERIALIZED (
    SELECT h.*
    {passing}
)
