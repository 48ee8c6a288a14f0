-- Writes all given commands. Raises unique_violation or serialization_failure if one cannot be
-- written: its stream has another last event than expected, or its key was used before.
CREATE OR REPLACE FUNCTION write_batch_1(
    p_partition integer, head bigint, present timestamptz,
    x_actor text[], x_metadata jsonb[], x_view text[],
    c_context integer[], c_stream uuid[], c_expected bigint[], c_events integer[],
    c_upto bigint[],  -- number of the batch's events up to a command's last; null: one for each
    c_doc jsonb[], c_search jsonb[],
    r_command integer[], r_view text[], r_doc jsonb[], r_search jsonb[],
    c_sealing_key bytea[], c_key text[], c_fingerprint bytea[],
    e_context integer[], e_stream uuid[],
    e_after bigint[],  -- the version that the stream has before the event
    e_last uuid[],     -- the id of the event at that version, as known to the caller
    e_topic text[], e_state bytea[], e_id uuid[],
    p_judged boolean  -- whether each stream is known to be as expected
) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    written bigint;
BEGIN
    -- The primary key ensures that the next version is free. The row of the version before shows
    -- whether the command was decided on that event, and which kind the stream has.
    INSERT INTO stored_events
           (partition, originator_id, originator_version, topic, state,
            notification_id, event_id, recorded_at, actor, metadata)
    SELECT p_partition, e.stream, e.after + 1, e.topic, e.state,
           head + e.i, e.id, present, x_actor[e.context], x_metadata[e.context]
      FROM unnest(e_context, e_stream, e_after, e_last, e_topic, e_state, e_id)
           WITH ORDINALITY AS e(context, stream, after, last, topic, state, id, i)
     WHERE p_judged
        OR e.after = 0
           AND may_begin_1(e.topic, e.stream)
        OR (SELECT (e.last IS NULL OR s.event_id = e.last)
                   AND (s.topic = e.topic
                        OR split_part(s.topic, '.', 1) = split_part(e.topic, '.', 1))
              FROM stored_events AS s
             WHERE s.partition = p_partition
               AND s.originator_id = e.stream
               AND s.originator_version = e.after
             LIMIT 1);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(e_stream) THEN
        RAISE serialization_failure USING MESSAGE = 'A stream is not as it was expected';
    END IF;

    IF c_sealing_key IS NOT NULL THEN
        INSERT INTO stream_key (partition, stream_id, wrapped)
        SELECT p_partition, c.stream, c.wrapped
          FROM unnest(c_stream, c_sealing_key) AS c(stream, wrapped)
         WHERE c.wrapped IS NOT NULL;
    END IF;

    IF c_key IS NOT NULL THEN
        INSERT INTO idempotency_key (partition, principal, key, fingerprint, stream_id, version)
        SELECT p_partition, x_actor[c.context], c.key, c.fingerprint, c.stream,
               c.expected + coalesce(c.events, 1)
          FROM unnest(c_context, c_key, c_fingerprint, c_stream, c_expected, c_events)
               AS c(context, key, fingerprint, stream, expected, events)
         WHERE c.key IS NOT NULL;
    END IF;

    IF NOT x_view || r_view <@ ARRAY[{views}] THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('Not all are views: %s', x_view || r_view);
    END IF;
    -- for each view
    IF '{view}' = ANY (x_view) THEN
        PERFORM write_{view}_1(
            p_partition, head, present, x_actor, x_view,
            c_context, c_stream, c_expected, c_events, c_upto, c_doc, c_search);
    END IF;
    IF '{view}' = ANY (r_view) THEN
        PERFORM write_{view}_1(
            p_partition, head, present,
            x_actor, array_fill('{view}'::text, ARRAY[cardinality(x_actor)]),
            array_agg(c_context[r.command] ORDER BY r.i),
            array_agg(c_stream[r.command] ORDER BY r.i),
            array_agg(c_expected[r.command] ORDER BY r.i),
            array_agg(c_events[r.command] ORDER BY r.i),
            array_agg(coalesce(c_upto[r.command], r.command) ORDER BY r.i),
            array_agg(r.doc ORDER BY r.i),
            array_agg(r.search ORDER BY r.i))
           FROM unnest(r_command, r_view, r_doc, r_search) WITH ORDINALITY
                AS r(command, view, doc, search, i)
          WHERE r.view = '{view}';
    END IF;
    -- end
    -- for each two versions
    -- (Workers with another version read their own table: they are told which rows are to be folded.)
    IF '{view}' = ANY (x_view || r_view)
       AND EXISTS (SELECT FROM view_version AS v WHERE v.name = '{other}') THEN
        INSERT INTO view_behind (name, partition, stream_id)
        SELECT DISTINCT '{other}', p_partition, c.stream
          FROM unnest(c_context, c_stream, c_events)
               WITH ORDINALITY AS c(context, stream, events, i)
         WHERE coalesce(c.events, 1) > 0
           AND (x_view[c.context] = '{view}'
                OR EXISTS (SELECT
                             FROM unnest(r_command, r_view) AS r(command, view)
                            WHERE r.command = c.i
                              AND r.view = '{view}'))
            ON CONFLICT DO NOTHING;
    END IF;
    -- end
END $$;
