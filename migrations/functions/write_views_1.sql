-- Upserts or deletes the rows of a batch in one view. Each view has its own function, which differs
-- only in the table: a statement that names its table is planned once for each connection, while a
-- composed one is planned for every batch.

-- plain
-- for each view
DROP INDEX IF EXISTS {view}_key;  -- of the other form

CREATE OR REPLACE FUNCTION write_{view}_1(
    p_partition integer, head bigint, present timestamptz,
    x_actor text[], x_view text[],
    c_context integer[], c_stream uuid[], c_expected bigint[], c_events integer[],
    c_upto bigint[], c_doc jsonb[], c_search jsonb[]
) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    MERGE INTO {view} AS v
    USING (SELECT p_partition AS partition, c.stream, c.expected = 0 AS is_new, c.doc, c.search,
                  x_actor[c.context] AS actor,
                  c.expected + coalesce(c.events, 1) AS version,
                  head + coalesce(c.upto, c.i) AS position, there.place
             FROM unnest(c_context, c_stream, c_expected, c_events, c_upto, c_doc, c_search)
                  WITH ORDINALITY
                  AS c(context, stream, expected, events, upto, doc, search, i)
             -- (An index holds equal keys in the order of their rows on disk, the newest version
             -- last: a backward scan meets it first. The comparison is of rows, which no other
             -- index supports: while a snapshot keeps old versions, the statistics may see no row,
             -- and then every index looks as good as the right one.)
             LEFT JOIN LATERAL (
                      SELECT w.ctid AS place
                        FROM {view} AS w
                       WHERE (w.partition, w.stream_id) <= (p_partition, c.stream)
                         AND (w.partition, w.stream_id) >= (p_partition, c.stream)
                       ORDER BY w.partition DESC, w.stream_id DESC
                       LIMIT 1
                  ) AS there ON true
            WHERE x_view[c.context] = '{view}'
              AND coalesce(c.events, 1) > 0) AS n
       ON v.partition = n.partition
      AND v.ctid = n.place
     WHEN MATCHED AND n.doc IS NULL THEN
          DELETE
     WHEN MATCHED THEN
          UPDATE SET version = n.version, position = n.position,
                     modified_by = n.actor, modified_at = present,
                     doc = n.doc, search = n.search
     WHEN NOT MATCHED AND n.doc IS NOT NULL THEN
          INSERT (partition, stream_id, version, position,
                  created_by, created_at, modified_by, modified_at, doc, search)
          VALUES (n.partition, n.stream, n.version, n.position,
                  -- (A row that was lost, or that comes and goes, began earlier.)
                  CASE WHEN n.is_new THEN n.actor ELSE (
                      SELECT s.actor
                        FROM stored_events AS s
                       WHERE s.partition = n.partition
                         AND s.originator_id = n.stream
                         AND s.originator_version = 1
                       LIMIT 1) END,
                  CASE WHEN n.is_new THEN present ELSE (
                      SELECT s.recorded_at
                        FROM stored_events AS s
                       WHERE s.partition = n.partition
                         AND s.originator_id = n.stream
                         AND s.originator_version = 1
                       LIMIT 1) END,
                  n.actor, present, n.doc, n.search);
END $$;

-- end
-- end of plain
-- distributed
-- This form does not use the place of a row, which means nothing to another node. It finds rows by
-- a unique key, which is slower, and more so the longer a snapshot keeps old versions.
-- for each view
DO $make$
BEGIN
    IF to_regclass('{view}') IS NOT NULL THEN  -- a former version's table goes
        CREATE UNIQUE INDEX IF NOT EXISTS {view}_key ON {view} (partition, stream_id);
    END IF;
END $make$;

CREATE OR REPLACE FUNCTION write_{view}_1(
    p_partition integer, head bigint, present timestamptz,
    x_actor text[], x_view text[],
    c_context integer[], c_stream uuid[], c_expected bigint[], c_events integer[],
    c_upto bigint[], c_doc jsonb[], c_search jsonb[]
) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    gone    uuid[];
    b_actor text[];         -- who made a stream that is not new, and when: for a row that was lost, or
    b_at    timestamptz[];  -- that comes and goes
BEGIN
    IF array_position(c_doc, NULL) IS NOT NULL THEN
        SELECT array_agg(c.stream) INTO gone
          FROM unnest(c_context, c_stream, c_events, c_doc) AS c(context, stream, events, doc)
         WHERE c.doc IS NULL
           AND x_view[c.context] = '{view}'
           AND coalesce(c.events, 1) > 0;
        DELETE FROM {view} AS v
         WHERE v.partition = p_partition
           AND v.stream_id = ANY (gone);
    END IF;

    -- (LIMIT 1 keeps this at one probe for each. It is not in the statement below, which may have to
    -- write to all nodes.)
    IF 0 < ANY (c_expected) THEN
        SELECT array_agg(s.actor ORDER BY c.i), array_agg(s.recorded_at ORDER BY c.i)
          INTO b_actor, b_at
          FROM unnest(c_stream, c_expected) WITH ORDINALITY AS c(stream, expected, i)
          LEFT JOIN LATERAL (
                   SELECT e.actor, e.recorded_at
                     FROM stored_events AS e
                    WHERE c.expected > 0
                      AND e.partition = p_partition
                      AND e.originator_id = c.stream
                      AND e.originator_version = 1
                    LIMIT 1
               ) AS s ON true;
    END IF;

    INSERT INTO {view} AS v
           (partition, stream_id, version, position,
            created_by, created_at, modified_by, modified_at, doc, search)
    SELECT p_partition, c.stream, c.expected + coalesce(c.events, 1), head + coalesce(c.upto, c.i),
           coalesce(c.began_by, x_actor[c.context]), coalesce(c.began_at, present),
           x_actor[c.context], present, c.doc, c.search
      FROM unnest(c_context, c_stream, c_expected, c_events, c_upto, c_doc, c_search, b_actor, b_at)
           WITH ORDINALITY AS c(context, stream, expected, events, upto, doc, search, began_by,
                                began_at, i)
     WHERE c.doc IS NOT NULL
       AND x_view[c.context] = '{view}'
       AND coalesce(c.events, 1) > 0
        ON CONFLICT (partition, stream_id) DO UPDATE
       SET version = excluded.version,
           position = excluded.position,
           modified_by = excluded.modified_by,
           modified_at = excluded.modified_at,
           doc = excluded.doc,
           search = excluded.search;
END $$;

-- end
-- end of distributed
