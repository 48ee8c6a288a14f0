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
    c_events      integer[], -- how many events; 0 checks the version and records the key only
    c_doc         jsonb[],   -- document of the view row; null: the row goes
    c_sealing_key bytea[],   -- wrapped key of a stream that has none yet
    c_key         text[],    -- idempotency key; the whole array is null when no command has one
    c_fingerprint bytea[],   -- hash of the command that the key stands for
    -- one entry an event
    e_command     integer[], -- number of its command
    e_nth         integer[], -- 1 for a command's first event
    e_topic       text[],
    e_state       bytea[],
    e_id          uuid[]
) RETURNS TABLE (
    outcome     text,        -- appended | replayed | key_reused | conflict
    stream_id   uuid,        -- of the command; at a replay, of the first command with the key
    version     bigint,      -- of the stream after it; the present one at a conflict
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
    view_table  text;
BEGIN
    -- Whoever holds this row appends; the statements below see all that was committed before.
    SELECT h.position, h.recorded_at INTO STRICT head, head_time
      FROM log_partition AS h
     WHERE h.partition = p_partition
       FOR UPDATE;
    present := greatest(clock_timestamp(), head_time);

    WITH asked AS (
        SELECT c.i, c.stream, c.expected, c.events, c.fingerprint,
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
                      AND s.originator_version = c.expected + c.events
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

    IF v_appended > 0 THEN
        INSERT INTO stored_events
               (partition, originator_id, originator_version, topic, state,
                notification_id, event_id, recorded_at, actor, metadata)
        SELECT p_partition, c_stream[e.command], c_expected[e.command] + e.nth, e.topic, e.state,
               v_position[e.command] - c_events[e.command] + e.nth, e.id, present,
               x_actor[c_context[e.command]], x_metadata[c_context[e.command]]
          FROM unnest(e_command, e_nth, e_topic, e_state, e_id) AS e(command, nth, topic, state, id)
         WHERE v_outcome[e.command] = 'appended';

        INSERT INTO stream_key (partition, stream_id, wrapped)
        SELECT p_partition, c.stream, c.wrapped
          FROM unnest(c_stream, c_sealing_key, v_outcome) AS c(stream, wrapped, outcome)
         WHERE c.wrapped IS NOT NULL
           AND c.outcome = 'appended';

        FOREACH view_table IN ARRAY ARRAY(SELECT DISTINCT unnest(x_view)) LOOP
            PERFORM write_view(
                view_table, p_partition, x_actor, c_context, c_stream, v_version, v_position,
                present, c_doc,
                (SELECT array_agg(x_view[c.context] = view_table
                                  AND c.outcome = 'appended'
                                  AND c.events > 0
                                  ORDER BY c.i)
                   FROM unnest(c_context, v_outcome, c_events)
                        WITH ORDINALITY AS c(context, outcome, events, i)));
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

-- Upserts or deletes the rows of one view that a batch brings; `wanted` says which entries are its.
CREATE FUNCTION write_view(
    view_table text, p_partition integer, x_actor text[], context integer[], stream uuid[],
    version bigint[], "position" bigint[], present timestamptz, doc jsonb[], wanted boolean[]
) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    EXECUTE format($sql$
        INSERT INTO %I AS v
               (partition, stream_id, version, position,
                created_by, created_at, modified_by, modified_at, doc)
        SELECT $1, c.stream, c.version, c.position, $2[c.context], $7, $2[c.context], $7, c.doc
          FROM unnest($3, $4, $5, $6, $8, $9)
               AS c(context, stream, version, position, doc, wanted)
         WHERE c.wanted
           AND c.doc IS NOT NULL
            ON CONFLICT (partition, stream_id) DO UPDATE
           SET version = excluded.version,
               position = excluded.position,
               modified_by = excluded.modified_by,
               modified_at = excluded.modified_at,
               doc = excluded.doc
        $sql$, view_table)
    USING p_partition, x_actor, context, stream, version, "position", present, doc, wanted;
    IF EXISTS (SELECT FROM unnest(doc, wanted) AS c(doc, wanted) WHERE c.wanted AND c.doc IS NULL)
    THEN
        EXECUTE format($sql$
            DELETE FROM %I AS v
             USING unnest($2, $3, $4) AS c(stream, doc, wanted)
             WHERE v.partition = $1
               AND v.stream_id = c.stream
               AND c.wanted
               AND c.doc IS NULL
            $sql$, view_table)
        USING p_partition, stream, doc, wanted;
    END IF;
END $$;
