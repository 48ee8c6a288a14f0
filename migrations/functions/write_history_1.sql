-- Writes versions of views' rows into their histories, and positions into the index of events. The
-- functions that call it decide whether that may be.

CREATE OR REPLACE FUNCTION write_history_1(
    p_partition   integer,
    -- one entry for each version that ends, and began before these events
    c_view        text[],
    c_stream      uuid[],
    c_version     bigint[],
    c_until       bigint[],     -- position of the event that ends it
    -- one entry for each version that begins
    r_view        text[],
    r_stream      uuid[],
    r_version     bigint[],
    r_position    bigint[],
    r_until       bigint[],     -- as c_until; null: it lasts
    r_created_by  text[],
    r_created_at  timestamptz[],
    r_modified_by text[],
    r_modified_at timestamptz[],
    r_doc         jsonb[],
    r_search      jsonb[],
    -- one entry for each segment of a term that has another content now
    i_term        bigint[],
    i_segment     bigint[],
    i_positions   bytea[]
) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
-- plain
SET plan_cache_mode = force_generic_plan
-- end of plain
-- (As in `append_1`: plans made on small tables stay right for large ones.)
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
AS $$
DECLARE
    gone record;  -- a stream whose last row ends
    erased record;  -- a stream with erased keys
    emptied record;  -- a segment of a term that no event has any more
    reached record;  -- a segment of positions, and the greatest values of the rows that begin there
    -- distributed
    ended record;  -- a version that ends
    before record;  -- the last segment up to that one
    -- end of distributed
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('sessionary erasure', p_partition));
    -- for each view
    IF '{view}' = ANY (r_view) THEN
        INSERT INTO {view}_history
               (partition, stream_id, version, position,
                created_by, created_at, modified_by, modified_at, doc, search, until)
        SELECT p_partition, r.stream, r.version, r.position, r.created_by, r.created_at,
               r.modified_by, r.modified_at, r.doc, r.search,
               coalesce(r.until, 9223372036854775807)
          FROM unnest(r_view, r_stream, r_version, r_position, r_until, r_created_by, r_created_at,
                      r_modified_by, r_modified_at, r_doc, r_search)
               AS r(view, stream, version, position, until, created_by, created_at,
                    modified_by, modified_at, doc, search)
         WHERE r.view = '{view}';
    END IF;
    IF '{view}' = ANY (c_view) THEN
        -- (One by one: a join would scan the whole table for each batch if it was planned while
        -- the table was small.)
        -- plain
        FOR number IN 1 .. cardinality(c_view) LOOP
            IF c_view[number] = '{view}' THEN
                UPDATE {view}_history AS h
                   SET until = c_until[number]
                 WHERE h.partition = p_partition
                   AND h.stream_id = c_stream[number]
                   AND h.version = c_version[number];
            END IF;
        END LOOP;
        -- end of plain
        -- distributed
        FOR ended IN
            SELECT * FROM unnest(c_view, c_stream, c_version, c_until) AS c(view, stream, version, until)
                    WHERE c.view = '{view}'
        LOOP
            UPDATE {view}_history AS h
               SET until = ended.until
             WHERE h.partition = p_partition
               AND h.stream_id = ended.stream
               AND h.version = ended.version;
        END LOOP;
        -- end of distributed
    END IF;
    FOR gone IN
        SELECT e.stream, e.until
          FROM (SELECT v.stream, v.until,
                       row_number() OVER (PARTITION BY v.stream ORDER BY v.version DESC) AS back
                  FROM (SELECT * FROM unnest(c_view, c_stream, c_version, c_until)
                         UNION ALL
                        SELECT * FROM unnest(r_view, r_stream, r_version, r_until))
                       AS v(view, stream, version, until)
                 WHERE v.view = '{view}') AS e
         WHERE e.back = 1
           AND e.until IS NOT NULL
    LOOP
        UPDATE {view}_history AS h
           SET ended = gone.until
         WHERE h.partition = p_partition
           AND h.stream_id = gone.stream
           AND h.version = 1;
    END LOOP;
    -- end

    -- (These events may have been read before a key of their stream was erased.)
    FOR erased IN
        SELECT DISTINCT r.stream, erased_bits_1(k.wrapped) AS bits
          FROM unnest(r_stream) AS r(stream)
         CROSS JOIN LATERAL (
                   SELECT y.wrapped
                     FROM stream_key AS y
                    WHERE y.partition = p_partition
                      AND y.stream_id = r.stream
                    LIMIT 1
               ) AS k
         WHERE erased_bits_1(k.wrapped) > 0
    LOOP
        PERFORM erase_rows_1(p_partition, erased.stream, erased.bits);
    END LOOP;

    -- (A reader of a past moment takes the last segment up to it: so one that is begun has the values
    -- of those before it. Several followers may write here while a view has several versions: one at
    -- a time, for each must see the segments of the others.)
    PERFORM pg_advisory_xact_lock(hashtextextended('history_reach', p_partition));
    FOR reached IN
        SELECT r.position / 512 AS segment, max(r.created_at) AS created_at,
               max(CASE WHEN starts_with(r.view, 'chat_session_entity')
                   THEN (r.doc ->> 'chat_session_id')::integer ELSE 0 END) AS chat_session_id,
               max(CASE WHEN starts_with(r.view, 'chat_session_entity')
                   THEN coalesce((r.search ->> 'when_requested')::bigint, 0)
                   ELSE 0 END) AS when_requested
          FROM unnest(r_view, r_position, r_created_at, r_doc, r_search)
               AS r(view, position, created_at, doc, search)
         GROUP BY segment
         ORDER BY segment
    LOOP
        -- plain
        INSERT INTO history_reach AS h
               (partition, segment, created_at, chat_session_id, when_requested)
        SELECT p_partition, reached.segment,
               greatest(l.created_at, reached.created_at),
               greatest(l.chat_session_id, reached.chat_session_id),
               greatest(l.when_requested, reached.when_requested)
          FROM (SELECT) AS one
          LEFT JOIN LATERAL (
                   SELECT *
                     FROM history_reach AS b
                    WHERE b.partition = p_partition
                      AND b.segment <= reached.segment
                    ORDER BY b.segment DESC
                    LIMIT 1
               ) AS l ON true
        -- end of plain
        -- distributed
        SELECT b.created_at, b.chat_session_id, b.when_requested INTO before
          FROM history_reach AS b
         WHERE b.partition = p_partition
           AND b.segment <= reached.segment
         ORDER BY b.segment DESC
         LIMIT 1;
        INSERT INTO history_reach AS h
               (partition, segment, created_at, chat_session_id, when_requested)
        VALUES (p_partition, reached.segment,
                greatest(before.created_at, reached.created_at),
                greatest(before.chat_session_id, reached.chat_session_id),
                greatest(before.when_requested, reached.when_requested))
        -- end of distributed
            ON CONFLICT (partition, segment) DO UPDATE
           SET created_at = greatest(h.created_at, excluded.created_at),
               chat_session_id = greatest(h.chat_session_id, excluded.chat_session_id),
               when_requested = greatest(h.when_requested, excluded.when_requested);
        -- (Rows of a stream that leaves the quarantine begin before segments that there are.)
        UPDATE history_reach AS h
           SET created_at = greatest(h.created_at, reached.created_at),
               chat_session_id = greatest(h.chat_session_id, reached.chat_session_id),
               when_requested = greatest(h.when_requested, reached.when_requested)
         WHERE h.partition = p_partition
           AND h.segment > reached.segment;
    END LOOP;

    FOR emptied IN
        SELECT i.term, i.segment
          FROM unnest(i_term, i_segment, i_positions) AS i(term, segment, positions)
         WHERE i.positions = ''
    LOOP
        DELETE FROM event_index AS e
         WHERE e.partition = p_partition
           AND e.term = emptied.term
           AND e.segment = emptied.segment;
    END LOOP;
    INSERT INTO event_index AS e (partition, term, segment, positions)
    SELECT p_partition, i.term, i.segment, i.positions
      FROM unnest(i_term, i_segment, i_positions) AS i(term, segment, positions)
     WHERE i.positions <> ''
        ON CONFLICT (partition, term, segment) DO UPDATE
       SET positions = excluded.positions;
END $$;
