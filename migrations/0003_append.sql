-- The only way into the log: one batch of commands, judged and written under the partition's head.

CREATE FUNCTION append(
    p_partition   integer,
    -- one entry a context, numbered from 1: most commands of a batch share theirs with others
    x_actor       text[],
    x_metadata    jsonb[],
    x_view        text[],    -- table of the view row that a command writes
    -- one entry a command, numbered from 1
    c_context     integer[],
    c_stream      uuid[],
    c_expected    bigint[],  -- the version the stream must have; 0: it must not exist
    c_events      integer[], -- how many events; 0 checks the version and records the key only;
                             -- the whole array is null when each command has one
    c_doc         jsonb[],   -- document of the view row; null: the row goes
    c_sealing_key bytea[],   -- wrapped key of a stream that has none yet; null: no command has one
    c_key         text[],    -- idempotency key; null: no command has one
    c_fingerprint bytea[],   -- hash of the command that the key stands for
    -- one entry an event, those of a command together
    e_topic       text[],
    e_state       bytea[],
    e_id          uuid[],
    p_atomic      boolean    -- all commands or none: one that conflicts holds back the others
) RETURNS TABLE (
    outcome     text,        -- appended | replayed | key_reused | conflict | held_back
    stream_id   uuid,        -- of the command; at a replay, of the first command with the key
    version     bigint,      -- of the stream after it; the present one if nothing was written
    "position"  bigint,      -- of the command's last event
    recorded_at timestamptz
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
-- Plans are made once a connection, on tables that were small then: keep them on the indexes.
SET plan_cache_mode = force_generic_plan
-- (LIMIT 1 in the look-ups below keeps them one probe of an index for each command.)
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
AS $$
#variable_conflict use_column
DECLARE
    head        bigint;
    head_time   timestamptz;
    present     timestamptz;
    v_outcome   text[];
    v_stream    uuid[];
    v_version   bigint[];
    v_position  bigint[];
    v_at        timestamptz[];
    v_appended  bigint;
    e_command   integer[];  -- of each event, the number of its command
    e_nth       integer[];  -- 1 for a command's first event
    view_table  text;
    was         text;
    becomes     text;
BEGIN
    IF c_events IS NOT NULL THEN
        SELECT array_agg(c.i ORDER BY c.i, n.th), array_agg(n.th ORDER BY c.i, n.th)
          INTO e_command, e_nth
          FROM unnest(c_events) WITH ORDINALITY AS c(events, i)
         CROSS JOIN LATERAL generate_series(1, c.events) AS n(th);
    END IF;

    -- Whoever holds this row appends; the statements below see all that was committed before.
    SELECT h.position, h.recorded_at INTO STRICT head, head_time
      FROM log_partition AS h
     WHERE h.partition = p_partition
       FOR UPDATE;
    present := greatest(clock_timestamp(), head_time);

    WITH asked AS (
        SELECT c.i, c.stream, c.expected, coalesce(c.events, 1) AS events, c.fingerprint,
               coalesce(last.version, 0) AS version,
               own.position AS own_position, own.recorded_at AS own_at,
               used.fingerprint AS used_fingerprint, used.stream_id AS used_stream,
               used.version AS used_version
          FROM unnest(c_stream, c_expected, c_events, c_context, c_key, c_fingerprint)
               WITH ORDINALITY AS c(stream, expected, events, context, key, fingerprint, i)
          LEFT JOIN LATERAL (
                   SELECT s.originator_version AS version
                     FROM stored_events AS s
                    WHERE s.partition = p_partition
                      AND s.originator_id = c.stream
                    ORDER BY s.originator_version DESC
                    LIMIT 1
               ) AS last ON true
          -- The same command sent again because its reply was lost: its last event stands already.
          LEFT JOIN LATERAL (
                   SELECT s.notification_id AS position, s.recorded_at
                     FROM stored_events AS s
                    WHERE last.version > c.expected
                      AND s.partition = p_partition
                      AND s.originator_id = c.stream
                      AND s.originator_version = c.expected + coalesce(c.events, 1)
                      AND s.event_id = ANY (e_id)
                    LIMIT 1
               ) AS own ON true
          LEFT JOIN LATERAL (
                   SELECT k.fingerprint, k.stream_id, k.version
                     FROM idempotency_key AS k
                    WHERE c.key IS NOT NULL
                      AND k.partition = p_partition
                      AND k.principal = x_actor[c.context]
                      AND k.key = c.key
                    LIMIT 1
               ) AS used ON true
    ), judged AS (
        SELECT a.*,
               CASE
                   WHEN a.own_position IS NOT NULL THEN 'already'
                   WHEN a.used_fingerprint = a.fingerprint THEN 'replayed'
                   WHEN a.used_fingerprint IS NOT NULL THEN 'key_reused'
                   WHEN a.version = a.expected THEN 'appended'
                   ELSE 'conflict'
               END AS outcome
          FROM asked AS a
    ), placed AS (
        SELECT j.*,
               sum(j.events) FILTER (WHERE j.outcome = 'appended') OVER (ORDER BY j.i) AS upto
          FROM judged AS j
    )
    SELECT array_agg(p.outcome ORDER BY p.i),
           array_agg(CASE p.outcome WHEN 'replayed' THEN p.used_stream ELSE p.stream END
                     ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'replayed' THEN p.used_version
                         WHEN 'conflict' THEN p.version
                         ELSE p.expected + p.events
                     END ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'appended' THEN head + p.upto
                         WHEN 'already' THEN p.own_position
                     END ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'appended' THEN present
                         WHEN 'already' THEN p.own_at
                     END ORDER BY p.i),
           max(p.upto)
      INTO v_outcome, v_stream, v_version, v_position, v_at, v_appended
      FROM placed AS p;

    IF p_atomic AND v_outcome && ARRAY['conflict', 'key_reused'] THEN
        IF 'already' = ANY (v_outcome) THEN
            -- Sent again after all of it was committed. Only a command without events can be in
            -- conflict then: it left no event to be known by, and its stream moved on since.
            was := 'conflict';
            becomes := 'already';
        ELSE
            was := 'appended';
            becomes := 'held_back';
            v_appended := 0;
        END IF;
        SELECT array_agg(CASE r.outcome WHEN was THEN becomes ELSE r.outcome END ORDER BY r.i),
               array_agg(CASE r.outcome WHEN was THEN r.expected ELSE r.version END ORDER BY r.i),
               array_agg(CASE WHEN r.outcome <> was THEN r.position END ORDER BY r.i),
               array_agg(CASE WHEN r.outcome <> was THEN r.at END ORDER BY r.i)
          INTO v_outcome, v_version, v_position, v_at
          FROM unnest(v_outcome, c_expected, v_version, v_position, v_at)
               WITH ORDINALITY AS r(outcome, expected, version, position, at, i);
    END IF;

    IF v_appended > 0 THEN
        INSERT INTO stored_events
               (partition, originator_id, originator_version, topic, state,
                notification_id, event_id, recorded_at, actor, metadata)
        SELECT p_partition, c_stream[of.command], c_expected[of.command] + of.nth,
               e.topic, e.state,
               v_position[of.command] - coalesce(c_events[of.command], 1) + of.nth, e.id, present,
               x_actor[c_context[of.command]], x_metadata[c_context[of.command]]
          FROM unnest(e_topic, e_state, e_id, e_command, e_nth)
               WITH ORDINALITY AS e(topic, state, id, command, nth, i)
         CROSS JOIN LATERAL (
                   SELECT coalesce(e.command, e.i::integer) AS command, coalesce(e.nth, 1) AS nth
               ) AS of
         WHERE v_outcome[of.command] = 'appended';

        IF c_sealing_key IS NOT NULL THEN
            INSERT INTO stream_key (partition, stream_id, wrapped)
            SELECT p_partition, c.stream, c.wrapped
              FROM unnest(c_stream, c_sealing_key, v_outcome) AS c(stream, wrapped, outcome)
             WHERE c.wrapped IS NOT NULL
               AND c.outcome = 'appended';
        END IF;

        FOREACH view_table IN ARRAY ARRAY(SELECT DISTINCT unnest(x_view)) LOOP
            CASE view_table
                WHEN 'ai_session_info' THEN
                    PERFORM write_ai_session_info(
                        p_partition, x_actor, x_view, c_context, c_stream, c_events, c_doc,
                        v_outcome, v_version, v_position, present);
                WHEN 'chat_session_entity' THEN
                    PERFORM write_chat_session_entity(
                        p_partition, x_actor, x_view, c_context, c_stream, c_events, c_doc,
                        v_outcome, v_version, v_position, present);
                WHEN 'account_info' THEN
                    PERFORM write_account_info(
                        p_partition, x_actor, x_view, c_context, c_stream, c_events, c_doc,
                        v_outcome, v_version, v_position, present);
            END CASE;
        END LOOP;

        UPDATE log_partition AS h
           SET position = head + v_appended,
               recorded_at = present
         WHERE h.partition = p_partition;
    END IF;

    IF c_key IS NOT NULL THEN
        INSERT INTO idempotency_key (partition, principal, key, fingerprint, stream_id, version)
        SELECT p_partition, x_actor[c.context], c.key, c.fingerprint, c.stream, c.version
          FROM unnest(c_context, c_key, c_fingerprint, c_stream, v_version, v_outcome)
               AS c(context, key, fingerprint, stream, version, outcome)
         WHERE c.key IS NOT NULL
           AND c.outcome = 'appended';
    END IF;

    RETURN QUERY
    SELECT CASE r.outcome WHEN 'already' THEN 'appended' ELSE r.outcome END,
           r.stream, r.version, r.position, r.at
      FROM unnest(v_outcome, v_stream, v_version, v_position, v_at)
           AS r(outcome, stream, version, position, at);
END $$;

-- One function for each view, alike but for the table: a statement that names its table is planned
-- once a connection, one that is put together is planned for every batch.
DO $make$
DECLARE
    view_table text;
BEGIN
    FOREACH view_table IN ARRAY ARRAY['ai_session_info', 'chat_session_entity', 'account_info']
    LOOP
        EXECUTE format($template$
            -- Upserts or deletes the rows of one view that a batch brings.
            CREATE FUNCTION write_%1$s(
                p_partition integer, x_actor text[], x_view text[], c_context integer[],
                c_stream uuid[], c_events integer[], c_doc jsonb[], v_outcome text[],
                v_version bigint[], v_position bigint[], present timestamptz
            ) RETURNS void
            LANGUAGE plpgsql
            AS $body$
            #variable_conflict use_column
            BEGIN
                INSERT INTO %1$s AS v
                       (partition, stream_id, version, position,
                        created_by, created_at, modified_by, modified_at, doc)
                SELECT p_partition, c.stream, c.version, c.position,
                       x_actor[c.context], present, x_actor[c.context], present, c.doc
                  FROM unnest(c_context, c_stream, c_events, c_doc,
                              v_outcome, v_version, v_position)
                       AS c(context, stream, events, doc, outcome, version, position)
                 WHERE c.outcome = 'appended'
                   AND coalesce(c.events, 1) > 0
                   AND c.doc IS NOT NULL
                   AND x_view[c.context] = '%1$s'
                    ON CONFLICT (partition, stream_id) DO UPDATE
                   SET version = excluded.version,
                       position = excluded.position,
                       modified_by = excluded.modified_by,
                       modified_at = excluded.modified_at,
                       doc = excluded.doc;
                IF array_position(c_doc, NULL) IS NOT NULL THEN
                    DELETE FROM %1$s AS v
                     WHERE v.partition = p_partition
                       AND v.stream_id = ANY (ARRAY(
                               SELECT c.stream
                                 FROM unnest(c_context, c_stream, c_events, c_doc, v_outcome)
                                      AS c(context, stream, events, doc, outcome)
                                WHERE c.outcome = 'appended'
                                  AND coalesce(c.events, 1) > 0
                                  AND c.doc IS NULL
                                  AND x_view[c.context] = '%1$s'));
                END IF;
            END $body$
            $template$, view_table);
        EXECUTE format('REVOKE ALL ON FUNCTION write_%s FROM PUBLIC', view_table);
    END LOOP;
END $make$;
