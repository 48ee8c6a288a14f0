-- name: view
-- {view}   {most}, {cut}: numbers of parameters
-- The rows of a view that were valid at a cut, in the place of its table: the statement behind
-- reads them as it reads the table. (Each row is as good for an index: PostgreSQL takes the
-- expression apart. The first condition repeats the second one in a form that indexes support.)
{view} AS NOT MATERIALIZED (
    SELECT *
      FROM {view}_history AS h
     WHERE h.position <= ${most}
       AND h.position <= (${cut}::bigint[])[h.partition + 1]
       AND h.until > (${cut}::bigint[])[h.partition + 1]
)
