-- name: view
-- {view}   {most}, {cut}: numbers of parameters
-- The rows of a view that were valid at a cut, in the place of its table: the statement behind
-- reads them as it reads the table. (PostgreSQL takes the expression apart, so that it uses the
-- indexes. The first condition follows from the second one, in a form that indexes support.)
{view} AS NOT MATERIALIZED (
    SELECT *
      FROM {view}_history AS h
     WHERE h.position <= ${most}
       AND h.position <= (${cut}::bigint[])[h.partition + 1]
       AND h.until > (${cut}::bigint[])[h.partition + 1]
)

-- name: first
-- {view}   {most}, {cut}: numbers of parameters
-- The first rows of the streams that had a row at a cut: as many, and found in an index alone.
{view} AS NOT MATERIALIZED (
    SELECT *
      FROM {view}_history AS h
     WHERE h.version = 1
       AND h.position <= ${most}
       AND h.position <= (${cut}::bigint[])[h.partition + 1]
       AND coalesce(h.ended > (${cut}::bigint[])[h.partition + 1], true)
)
