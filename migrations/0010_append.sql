-- What is decided rests on what the log holds: an append compares the id of each stream's last
-- event, not its version alone; an account that a command newly refers to must be there; events of
-- one kind do not come into a stream of another. And a row that is changed often is found at once,
-- however many of its old versions some long snapshot keeps from being cleared away.

-- The kind of an event is the first part of its stored name, the kind of a stream that of its first
-- event. AI sessions live in streams whose ids are drawn, all others in those of derived ids (UUIDv5).

DROP FUNCTION append;
DROP FUNCTION judge_batch;
DROP FUNCTION write_batch;

-- Tables whose rows change have an index by their key that is not a unique one: to see that a key is
-- unique, PostgreSQL walks all old versions of its row that a snapshot keeps, at about every change
-- that finds no room on the row's page. That a row is there once, the append sees to: it looks for
-- it under the head that it holds. Rows are known to logical replication as a whole.
ALTER TABLE log_partition DROP CONSTRAINT log_partition_pkey, REPLICA IDENTITY FULL;
ALTER TABLE ai_session_info DROP CONSTRAINT ai_session_info_pkey, REPLICA IDENTITY FULL;
ALTER TABLE chat_session_entity DROP CONSTRAINT chat_session_entity_pkey, REPLICA IDENTITY FULL;
ALTER TABLE account_info DROP CONSTRAINT account_info_pkey, REPLICA IDENTITY FULL;
-- Unnamed: a rebuilt table's indexes get their names by the same rule.
CREATE INDEX ON log_partition (partition);
CREATE INDEX ON ai_session_info (partition, stream_id);
CREATE INDEX ON chat_session_entity (partition, stream_id);
CREATE INDEX ON account_info (partition, stream_id);

-- A partition has one head.
CREATE FUNCTION refuse_second_head() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    LOCK TABLE log_partition IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM log_partition AS h WHERE h.partition = NEW.partition) THEN
        RAISE unique_violation USING MESSAGE = format('Partition %s has a head', NEW.partition);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER one_head
    BEFORE INSERT ON log_partition
    FOR EACH ROW EXECUTE FUNCTION refuse_second_head();

-- Upserts or deletes the rows that a batch brings to one view. One function for each view, alike
-- but for the table: a statement that names its table is planned once a connection, one that is
-- put together is planned for every batch.
DO $make$
DECLARE
    view_table text;
BEGIN
    FOREACH view_table IN ARRAY ARRAY['ai_session_info', 'chat_session_entity', 'account_info']
    LOOP
        EXECUTE format($template$
            CREATE OR REPLACE FUNCTION write_%1$s(
                p_partition integer, head bigint, present timestamptz,
                x_actor text[], x_view text[],
                c_context integer[], c_stream uuid[], c_expected bigint[], c_events integer[],
                c_upto bigint[], c_doc jsonb[]
            ) RETURNS void
            LANGUAGE plpgsql
            AS $body$
            #variable_conflict use_column
            BEGIN
                MERGE INTO %1$s AS v
                USING (SELECT p_partition AS partition, c.stream, c.doc,
                              x_actor[c.context] AS actor,
                              c.expected + coalesce(c.events, 1) AS version,
                              head + coalesce(c.upto, c.i) AS position, there.place
                         FROM unnest(c_context, c_stream, c_expected, c_events, c_upto, c_doc)
                              WITH ORDINALITY
                              AS c(context, stream, expected, events, upto, doc, i)
                         -- (Equal keys are in an index as their rows are on disk, the newest
                         -- version last: backwards it is met first. Compared as a row, which no
                         -- other index can: while a snapshot keeps old versions, the statistics
                         -- may see no row, and then every index looks as good as the right one.)
                         LEFT JOIN LATERAL (
                                  SELECT w.ctid AS place
                                    FROM %1$s AS w
                                   WHERE (w.partition, w.stream_id) <= (p_partition, c.stream)
                                     AND (w.partition, w.stream_id) >= (p_partition, c.stream)
                                   ORDER BY w.partition DESC, w.stream_id DESC
                                   LIMIT 1
                              ) AS there ON true
                        WHERE x_view[c.context] = '%1$s'
                          AND coalesce(c.events, 1) > 0) AS n
                   ON v.partition = n.partition
                  AND v.ctid = n.place
                 WHEN MATCHED AND n.doc IS NULL THEN
                      DELETE
                 WHEN MATCHED THEN
                      UPDATE SET version = n.version, position = n.position,
                                 modified_by = n.actor, modified_at = present, doc = n.doc
                 WHEN NOT MATCHED AND n.doc IS NOT NULL THEN
                      INSERT (partition, stream_id, version, position,
                              created_by, created_at, modified_by, modified_at, doc)
                      VALUES (n.partition, n.stream, n.version, n.position,
                              n.actor, present, n.actor, present, n.doc);
            END $body$
            $template$, view_table);
        EXECUTE format('REVOKE ALL ON FUNCTION write_%s FROM PUBLIC', view_table);
    END LOOP;
END $make$;

-- Writes commands all of which are to be written. Raises unique_violation or serialization_failure
-- if one may not be: its stream has another last event than it expects, its key was used before.
CREATE FUNCTION write_batch(
    p_partition integer, head bigint, present timestamptz,
    x_actor text[], x_metadata jsonb[], x_view text[],
    c_context integer[], c_stream uuid[], c_expected bigint[], c_events integer[],
    c_upto bigint[],  -- how many events the batch has up to a command's last; null: one for each
    c_doc jsonb[], c_sealing_key bytea[], c_key text[], c_fingerprint bytea[],
    e_context integer[], e_stream uuid[],
    e_after bigint[],  -- the version that the stream has before the event
    e_last uuid[],     -- the id of the event at that version, as the caller knew it
    e_topic text[], e_state bytea[], e_id uuid[],
    p_judged boolean  -- whether each stream is known to be as is expected
) RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    written bigint;
BEGIN
    -- That the next version is free, the primary key tells. That the one before is the one that
    -- the command was decided on, the row of that one; and of which kind it is.
    INSERT INTO stored_events
           (partition, originator_id, originator_version, topic, state,
            notification_id, event_id, recorded_at, actor, metadata)
    SELECT p_partition, e.stream, e.after + 1, e.topic, e.state,
           head + e.i, e.id, present, x_actor[e.context], x_metadata[e.context]
      FROM unnest(e_context, e_stream, e_after, e_last, e_topic, e_state, e_id)
           WITH ORDINALITY AS e(context, stream, after, last, topic, state, id, i)
     WHERE p_judged
        OR e.after = 0
           AND (split_part(e.topic, '.', 1) = 'ai_session')
               = (get_byte(uuid_send(e.stream), 6) >> 4 <> 5)
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

    IF NOT x_view <@ ARRAY['ai_session_info', 'chat_session_entity', 'account_info'] THEN
        RAISE invalid_parameter_value USING MESSAGE = format('Not all are views: %s', x_view);
    END IF;
    IF 'ai_session_info' = ANY (x_view) THEN
        PERFORM write_ai_session_info(
            p_partition, head, present, x_actor, x_view,
            c_context, c_stream, c_expected, c_events, c_upto, c_doc);
    END IF;
    IF 'chat_session_entity' = ANY (x_view) THEN
        PERFORM write_chat_session_entity(
            p_partition, head, present, x_actor, x_view,
            c_context, c_stream, c_expected, c_events, c_upto, c_doc);
    END IF;
    IF 'account_info' = ANY (x_view) THEN
        PERFORM write_account_info(
            p_partition, head, present, x_actor, x_view,
            c_context, c_stream, c_expected, c_events, c_upto, c_doc);
    END IF;
END $$;
REVOKE ALL ON FUNCTION write_batch FROM PUBLIC;

-- What is to become of each command of a batch, on what the log has.
CREATE FUNCTION judge_batch(
    p_partition integer, head bigint, present timestamptz,
    x_actor text[], x_account text[],
    c_context integer[], c_stream uuid[], c_expected bigint[], c_last uuid[], c_events integer[],
    c_sealing_key bytea[], c_key text[], c_fingerprint bytea[],
    e_id uuid[],
    p_atomic boolean,
    OUT outcome text[], OUT stream uuid[], OUT version bigint[], OUT "position" bigint[],
    OUT recorded_at timestamptz[]
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    was     text;
    becomes text;
BEGIN
    WITH asked AS (
        SELECT c.i, c.stream, c.expected, coalesce(c.events, 1) AS events, c.fingerprint,
               coalesce(last.version, 0) AS version,
               coalesce(last.event_id <> c.last, false) AS is_other, sealed.already AS is_sealed,
               c.expected = 0 AND x_account[c.context] IS NOT NULL
                   AND account.is_there IS NULL AS is_astray,
               own.position AS own_position, own.recorded_at AS own_at,
               used.fingerprint AS used_fingerprint, used.stream_id AS used_stream,
               used.version AS used_version
          FROM unnest(c_stream, c_expected, c_last, c_events, c_context, c_sealing_key,
                      c_key, c_fingerprint)
               WITH ORDINALITY AS c(stream, expected, last, events, context, sealing_key,
                                    key, fingerprint, i)
          -- (LIMIT 1 keeps each look-up one probe of an index for each command.)
          LEFT JOIN LATERAL (
                   SELECT s.originator_version AS version, s.event_id
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
          LEFT JOIN LATERAL (
                   SELECT true AS already
                     FROM stream_key AS k
                    WHERE c.sealing_key IS NOT NULL
                      AND k.partition = p_partition
                      AND k.stream_id = c.stream
                    LIMIT 1
               ) AS sealed ON true
          LEFT JOIN LATERAL (
                   SELECT true AS is_there
                     FROM account_info AS i
                    WHERE c.expected = 0
                      AND i.account_id = x_account[c.context]
                    LIMIT 1
               ) AS account ON true
    ), judged AS (
        SELECT a.*,
               CASE
                   WHEN a.own_position IS NOT NULL THEN 'already'
                   WHEN a.used_fingerprint = a.fingerprint THEN 'replayed'
                   WHEN a.used_fingerprint IS NOT NULL THEN 'key_reused'
                   WHEN a.version <> a.expected OR a.is_other OR a.is_sealed THEN 'conflict'
                   WHEN a.is_astray THEN 'no_account'
                   ELSE 'appended'
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
                         WHEN 'no_account' THEN p.version
                         ELSE p.expected + p.events
                     END ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'appended' THEN head + p.upto
                         WHEN 'already' THEN p.own_position
                     END ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'appended' THEN present
                         WHEN 'already' THEN p.own_at
                     END ORDER BY p.i)
      INTO outcome, stream, version, position, recorded_at
      FROM placed AS p;

    IF p_atomic AND outcome && ARRAY['conflict', 'key_reused', 'no_account'] THEN
        IF 'already' = ANY (outcome) THEN
            -- Sent again after all of it was committed. Only a command without events can be in
            -- conflict then: it left no event to be known by, and its stream moved on since.
            was := 'conflict';
            becomes := 'already';
        ELSE
            was := 'appended';
            becomes := 'held_back';
        END IF;
        SELECT array_agg(CASE r.outcome WHEN was THEN becomes ELSE r.outcome END ORDER BY r.i),
               array_agg(CASE r.outcome WHEN was THEN r.expected ELSE r.version END ORDER BY r.i),
               array_agg(CASE WHEN r.outcome <> was THEN r.position END ORDER BY r.i),
               array_agg(CASE WHEN r.outcome <> was THEN r.at END ORDER BY r.i)
          INTO outcome, version, position, recorded_at
          FROM unnest(outcome, c_expected, version, position, recorded_at)
               WITH ORDINALITY AS r(outcome, expected, version, position, at, i);
    END IF;
END $$;
REVOKE ALL ON FUNCTION judge_batch FROM PUBLIC;

-- Raises check_violation for an event of another kind than the stream that it would come into.
CREATE FUNCTION refuse_other_kinds(p_partition integer, e_stream uuid[], e_topic text[])
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    astray record;
BEGIN
    SELECT t.stream, t.topic INTO astray
      FROM (SELECT e.stream, e.topic, first.topic IS NULL AS is_new,
                   coalesce(first.topic, first_value(e.topic) OVER (PARTITION BY e.stream
                                                                        ORDER BY e.i)) AS before
              FROM unnest(e_stream, e_topic) WITH ORDINALITY AS e(stream, topic, i)
              LEFT JOIN LATERAL (
                       SELECT s.topic
                         FROM stored_events AS s
                        WHERE s.partition = p_partition
                          AND s.originator_id = e.stream
                          AND s.originator_version = 1
                        LIMIT 1
                   ) AS first ON true) AS t
     WHERE split_part(t.topic, '.', 1) <> split_part(t.before, '.', 1)
        OR t.is_new AND (split_part(t.topic, '.', 1) = 'ai_session')
                        <> (get_byte(uuid_send(t.stream), 6) >> 4 <> 5)
     LIMIT 1;
    IF FOUND THEN
        RAISE check_violation USING MESSAGE =
            format('%s does not belong in stream %s, which is of another kind',
                   astray.topic, astray.stream);
    END IF;
END $$;
REVOKE ALL ON FUNCTION refuse_other_kinds FROM PUBLIC;

-- What is not appended, but put into the table by its owner. (`append` looks by itself, for a batch
-- at once, and says so: a trigger for each of its rows would cost more than all of that.)
CREATE FUNCTION refuse_other_kind() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM refuse_other_kinds(NEW.partition, ARRAY[NEW.originator_id], ARRAY[NEW.topic]);
    RETURN NEW;
END $$;

CREATE TRIGGER one_kind
    BEFORE INSERT ON stored_events
    FOR EACH ROW WHEN (current_setting('sessionary.appends', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION refuse_other_kind();

-- The present names of accounts, in their order; null where there is none.
CREATE FUNCTION account_names(x_account text[]) RETURNS text[]
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN ARRAY(
        SELECT (SELECT i.name FROM account_info AS i WHERE i.account_id = x.id LIMIT 1)
          FROM unnest(x_account) WITH ORDINALITY AS x(id, number)
         ORDER BY x.number);
END $$;
REVOKE ALL ON FUNCTION account_names FROM PUBLIC;

CREATE FUNCTION append(
    p_partition   integer,
    -- one entry a context, numbered from 1: most commands of a batch share theirs with others
    x_actor       text[],
    x_metadata    jsonb[],
    x_view        text[],    -- table of the view row that a command writes
    x_account     text[],    -- account whose present name is asked for; null: none
    -- one entry a command, numbered from 1, each for a stream of its own
    c_context     integer[],
    c_stream      uuid[],
    c_expected    bigint[],  -- the version the stream must have; 0: it must not exist
    c_last        uuid[],    -- id of the event that this version must be; null: any
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
    p_atomic      boolean,   -- all commands or none: one that conflicts holds back the others
    p_check_value text,      -- what the log must recognise its master key by; null: anything
    OUT head         bigint,        -- the position before the batch's first event
    OUT present      timestamptz,   -- when its events were recorded
    OUT account_name text[],        -- one entry a context
    -- one entry a command; all null when each command was appended with its one event
    OUT outcome      text[],        -- appended | replayed | key_reused | conflict | held_back
                                    -- | no_account
    OUT stream       uuid[],        -- of the command; at a replay, of the first with the key
    OUT version      bigint[],      -- of it afterwards; the present one if nothing was written
    OUT "position"   bigint[],      -- of the command's last event
    OUT recorded_at  timestamptz[]
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
-- Plans are made once a connection, on tables that were small then: keep them on the indexes.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_material = off
AS $$
#variable_conflict use_column
DECLARE
    head_time timestamptz;
    appended  bigint;
    c_upto    bigint[];
    e_context integer[];
    e_stream  uuid[];
    e_after   bigint[];
    e_last    uuid[];
    place     tid;
BEGIN
    -- Nothing is sealed under a key that is not the log's, should the database have been replaced.
    IF p_check_value IS NOT NULL
       AND p_check_value IS DISTINCT FROM (SELECT s.value
                                             FROM log_setting AS s
                                            WHERE s.name = 'master_key_check') THEN
        RAISE 'The log has another master key' USING ERRCODE = 'SE001';
    END IF;

    -- Kinds are compared below, for the whole batch at once. (Not a SET of the function's: only a
    -- superuser may make one with a setting that no extension knows.)
    PERFORM set_config('sessionary.appends', 'on', true);

    -- Whoever holds this row appends; the statements below see all that was committed before.
    -- (Backwards, as in write_*: every append leaves an old version behind.)
    SELECT h.position, h.recorded_at, h.ctid INTO STRICT head, head_time, place
      FROM log_partition AS h
     WHERE h.partition <= p_partition
       AND h.partition >= p_partition
     ORDER BY h.partition DESC
     LIMIT 1
       FOR UPDATE;
    present := greatest(clock_timestamp(), head_time);

    IF c_events IS NULL THEN
        BEGIN
            PERFORM write_batch(
                p_partition, head, present, x_actor, x_metadata, x_view,
                c_context, c_stream, c_expected, NULL, NULL, c_doc,
                c_sealing_key, c_key, c_fingerprint,
                c_context, c_stream, c_expected, c_last, e_topic, e_state, e_id, false);
            IF x_account IS NOT NULL THEN
                account_name := account_names(x_account);
                IF array_position(account_name, NULL) IS NOT NULL
                   AND EXISTS (SELECT
                                 FROM unnest(c_context, c_expected) AS c(context, expected)
                                WHERE c.expected = 0
                                  AND x_account[c.context] IS NOT NULL
                                  AND account_name[c.context] IS NULL) THEN
                    RAISE serialization_failure USING MESSAGE = 'An account is not there';
                END IF;
            END IF;
            appended := cardinality(c_stream);
        EXCEPTION WHEN unique_violation OR serialization_failure THEN
            -- Nothing of it stands, and vacuum has its events to clear away. Who is at fault is
            -- told below.
            NULL;
        END;
    END IF;

    IF appended IS NULL THEN
        SELECT j.* INTO outcome, stream, version, position, recorded_at
          FROM judge_batch(
                   p_partition, head, present, x_actor, x_account,
                   c_context, c_stream, c_expected, c_last, c_events,
                   c_sealing_key, c_key, c_fingerprint, e_id, p_atomic) AS j;

        SELECT array_agg(c_context[c.i] ORDER BY c.i, n.th),
               array_agg(c_stream[c.i] ORDER BY c.i, n.th),
               array_agg(c_expected[c.i] + n.th - 1 ORDER BY c.i, n.th),
               array_agg(e_topic[c.upto - c.events + n.th] ORDER BY c.i, n.th),
               array_agg(e_state[c.upto - c.events + n.th] ORDER BY c.i, n.th),
               array_agg(e_id[c.upto - c.events + n.th] ORDER BY c.i, n.th),
               count(*)
          INTO e_context, e_stream, e_after, e_topic, e_state, e_id, appended
          FROM (SELECT o.i, coalesce(o.events, 1) AS events, o.outcome,
                       sum(coalesce(o.events, 1)) OVER (ORDER BY o.i)::integer AS upto
                  FROM unnest(outcome, c_events) WITH ORDINALITY AS o(outcome, events, i)) AS c
         CROSS JOIN LATERAL generate_series(1, c.events) AS n(th)
         WHERE c.outcome = 'appended';

        SELECT array_agg(c.context ORDER BY c.i), array_agg(c.stream ORDER BY c.i),
               array_agg(c.expected ORDER BY c.i),
               array_agg(coalesce(c.events, 1) ORDER BY c.i),
               array_agg(c.position - head ORDER BY c.i),
               array_agg(c.doc ORDER BY c.i), array_agg(c.sealing_key ORDER BY c.i),
               array_agg(c.key ORDER BY c.i), array_agg(c.fingerprint ORDER BY c.i)
          INTO c_context, c_stream, c_expected, c_events, c_upto, c_doc, c_sealing_key,
               c_key, c_fingerprint
          FROM unnest(c_context, c_stream, c_expected, c_events, position, c_doc,
                      c_sealing_key, c_key, c_fingerprint, outcome) WITH ORDINALITY
               AS c(context, stream, expected, events, position, doc,
                    sealing_key, key, fingerprint, outcome, i)
         WHERE c.outcome = 'appended';

        IF c_stream IS NOT NULL THEN
            PERFORM refuse_other_kinds(p_partition, e_stream, e_topic);
            PERFORM write_batch(
                p_partition, head, present, x_actor, x_metadata, x_view,
                c_context, c_stream, c_expected, c_events, c_upto, c_doc,
                c_sealing_key, c_key, c_fingerprint,
                e_context, e_stream, e_after, e_last, e_topic, e_state, e_id, true);
        END IF;
        IF x_account IS NOT NULL THEN
            account_name := account_names(x_account);
        END IF;
        outcome := array_replace(outcome, 'already', 'appended');
    END IF;

    -- Outside the block that may be undone: a row that a transaction locked and a subtransaction
    -- changes needs a multixact.
    IF appended > 0 THEN
        UPDATE log_partition AS h
           SET position = head + appended,
               recorded_at = present
         WHERE h.ctid = place;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The head of partition % is not where it was locked', p_partition;
        END IF;
    END IF;
END $$;
REVOKE ALL ON FUNCTION append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append TO sessionary_service;
