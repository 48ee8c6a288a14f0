-- The only way into the log: it appends one batch of commands under the partition's head.

-- Most commands find their streams as their callers knew them. So a batch is first written
-- unchecked, and the log's own constraints accept or refuse it. Only a refused batch is judged
-- command by command.

-- Decisions rest on the contents of the log. An append compares the id of each stream's last event,
-- not only its version. An account that a command newly refers to must exist. Events of one kind do
-- not enter a stream of another kind. And a row that changes often is found at once, however many
-- of its old versions a long snapshot keeps from vacuum.

CREATE OR REPLACE FUNCTION append_1(
    p_partition   integer,
    -- one entry for each context, numbered from 1: most commands of a batch share their context
    x_actor       text[],
    x_metadata    jsonb[],
    x_view        text[],    -- table of the row that holds a command's current state
    x_account     text[],    -- account whose present name is wanted; null: none
    -- one entry for each command, numbered from 1, each with a stream of its own
    c_context     integer[],
    c_stream      uuid[],
    c_expected    bigint[],  -- the version that the stream must have; 0: it must not exist
    c_last        uuid[],    -- id of the event that must be at that version; null: any
    c_events      integer[], -- number of events; 0 only checks the version and records the key;
                             -- the whole array is null when each command has one
    c_doc         jsonb[],   -- document of that row; null: the row is deleted
    c_search      jsonb[],   -- values for generated columns of the row that the document does not
                             -- hold as plainly; null: no command has any
    c_sealing_key bytea[],   -- wrapped key of a stream without one so far; null: no command has one
    c_key         text[],    -- idempotency key; null: no command has any
    c_fingerprint bytea[],   -- hash of the command that the key belongs to
    -- one entry for each row of the other views; null: no command writes any
    r_command     integer[], -- number of the command that writes the row
    r_view        text[],    -- its table
    r_doc         jsonb[],   -- as c_doc
    r_search      jsonb[],   -- as c_search
    -- one entry for each event, grouped by command
    e_topic       text[],
    e_state       bytea[],
    e_id          uuid[],
    p_atomic      boolean,   -- all commands or none: one conflict holds back all others
    p_check_value text,      -- the log's check value of its master key; null: any
    OUT head         bigint,        -- position before the batch's first event
    OUT present      timestamptz,   -- time at which its events were recorded
    OUT account_name text[],        -- one entry for each context
    -- one entry for each command; all null when each command was appended with its one event
    OUT outcome      text[],        -- appended | replayed | key_reused | conflict | held_back
                                    -- | no_account
    OUT stream       uuid[],        -- of the command; for a replay, of the first with the key
    OUT version      bigint[],      -- of the stream afterwards; the present one if unwritten
    OUT "position"   bigint[],      -- of the command's last event
    OUT recorded_at  timestamptz[]
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
-- plain
-- Plans are made once for each connection, and for any batch. Planned each time, a batch of one
-- command took PostgreSQL 0.65 ms of processor time instead of 0.35 (one of 64 took the same).
SET plan_cache_mode = force_generic_plan
-- end of plain
-- The tables may be small when the plans are made: these settings keep the plans on the indexes.
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
    c_number  integer[];
    -- plain
    place     tid;
    -- end of plain
BEGIN
    -- No service of ours sends other arguments: somebody else has its login. (It stands here, since
    -- a function would take a copy of each array. A comparison with null is null.)
    IF (current_setting('transaction_isolation') = 'read committed'
        AND cardinality(x_metadata) = cardinality(x_actor)
        AND cardinality(x_view) = cardinality(x_actor)
        AND coalesce(cardinality(x_account), cardinality(x_actor)) = cardinality(x_actor)
        AND cardinality(c_context) = cardinality(c_stream)
        AND cardinality(c_expected) = cardinality(c_stream)
        AND cardinality(c_doc) = cardinality(c_stream)
        AND coalesce(cardinality(c_last), cardinality(c_stream)) = cardinality(c_stream)
        AND coalesce(cardinality(c_search), cardinality(c_stream)) = cardinality(c_stream)
        AND coalesce(cardinality(c_sealing_key), cardinality(c_stream)) = cardinality(c_stream)
        AND coalesce(cardinality(c_key), cardinality(c_stream)) = cardinality(c_stream)
        AND coalesce(cardinality(c_fingerprint), cardinality(c_stream)) = cardinality(c_stream)
        AND cardinality(e_state) = cardinality(e_topic)
        AND cardinality(e_id) = cardinality(e_topic)
        AND (c_events IS NOT NULL OR cardinality(c_stream) = cardinality(e_topic))) IS NOT TRUE
       OR c_events IS NOT NULL AND NOT counts_fit_1(c_stream, c_events, e_topic)
       OR partitions_1() > 1 AND NOT partition_fits_1(p_partition, c_stream, c_expected)
       OR (r_command IS NOT NULL OR r_view IS NOT NULL)
          AND NOT rows_fit_1(c_context, c_stream, x_view, r_command, r_view, r_doc, r_search) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'The arguments of the append do not fit together';
    END IF;

    -- The database may have been replaced: nothing is sealed under a key that is not the log's.
    IF p_check_value IS NOT NULL
       AND p_check_value IS DISTINCT FROM (SELECT s.value
                                             FROM log_setting AS s
                                            WHERE s.name = 'master_key_check') THEN
        RAISE 'The log has another master key' USING ERRCODE = 'SE001';
    END IF;

    -- The append compares kinds below, for the whole batch at once. (This is not a SET of the
    -- function: only a superuser may make one with a setting that no extension knows.)
    PERFORM set_config('sessionary.appends', 'on', true);

    -- The holder of this row appends; the statements below see everything committed before.
    -- plain
    -- (Scanned backwards, as in write_*: every append leaves an old version behind.)
    SELECT h.position, h.recorded_at, h.ctid INTO STRICT head, head_time, place
      FROM log_partition AS h
     WHERE h.partition <= p_partition
       AND h.partition >= p_partition
     ORDER BY h.partition DESC
     LIMIT 1
       FOR UPDATE;
    -- end of plain
    -- distributed
    SELECT h.position, h.recorded_at INTO STRICT head, head_time
      FROM log_partition AS h
     WHERE h.partition = p_partition
       FOR UPDATE;
    -- end of distributed
    present := greatest(clock_timestamp(), head_time);

    -- A change of the master key names the new one, and takes this lock after that. So no stream
    -- gets a key under the old one behind its back.
    IF c_sealing_key IS NOT NULL
       AND EXISTS (SELECT
                     FROM log_setting AS s
                    CROSS JOIN unnest(c_sealing_key) AS k(wrapped)
                    WHERE s.name = 'stream_keys_under'
                      AND s.value <> encode(substr(k.wrapped, 1, 8), 'hex')) THEN
        RAISE 'The log has another master key' USING ERRCODE = 'SE001';
    END IF;

    IF c_events IS NULL THEN
        BEGIN
            PERFORM write_batch_1(
                p_partition, head, present, x_actor, x_metadata, x_view,
                c_context, c_stream, c_expected, NULL, NULL, c_doc, c_search,
                r_command, r_view, r_doc, r_search, c_sealing_key, c_key, c_fingerprint,
                c_context, c_stream, c_expected, c_last, e_topic, e_state, e_id, false);
            IF x_account IS NOT NULL THEN
                account_name := account_names_1(x_account);
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
            -- The batch is undone, and vacuum has its events to clear away. The commands at fault
            -- are found below.
            NULL;
        END;
    END IF;

    IF appended IS NULL THEN
        SELECT j.* INTO outcome, stream, version, position, recorded_at
          FROM judge_batch_1(
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

        IF r_command IS NOT NULL THEN
            -- The number of each command among the written ones; null: it is not written.
            SELECT array_agg(n.number ORDER BY n.i) INTO c_number
              FROM (SELECT o.i,
                           CASE o.outcome WHEN 'appended' THEN
                               count(*) FILTER (WHERE o.outcome = 'appended') OVER (ORDER BY o.i)
                           END AS number
                      FROM unnest(outcome) WITH ORDINALITY AS o(outcome, i)) AS n;
            SELECT array_agg(c_number[r.command] ORDER BY r.i), array_agg(r.view ORDER BY r.i),
                   array_agg(r.doc ORDER BY r.i), array_agg(r.search ORDER BY r.i)
              INTO r_command, r_view, r_doc, r_search
              FROM unnest(r_command, r_view, r_doc, r_search) WITH ORDINALITY
                   AS r(command, view, doc, search, i)
             WHERE c_number[r.command] IS NOT NULL;
        END IF;

        SELECT array_agg(c.context ORDER BY c.i), array_agg(c.stream ORDER BY c.i),
               array_agg(c.expected ORDER BY c.i),
               array_agg(coalesce(c.events, 1) ORDER BY c.i),
               array_agg(c.position - head ORDER BY c.i),
               array_agg(c.doc ORDER BY c.i), array_agg(c.search ORDER BY c.i),
               array_agg(c.sealing_key ORDER BY c.i),
               array_agg(c.key ORDER BY c.i), array_agg(c.fingerprint ORDER BY c.i)
          INTO c_context, c_stream, c_expected, c_events, c_upto, c_doc, c_search,
               c_sealing_key, c_key, c_fingerprint
          FROM unnest(c_context, c_stream, c_expected, c_events, position, c_doc, c_search,
                      c_sealing_key, c_key, c_fingerprint, outcome) WITH ORDINALITY
               AS c(context, stream, expected, events, position, doc, search,
                    sealing_key, key, fingerprint, outcome, i)
         WHERE c.outcome = 'appended';

        IF c_stream IS NOT NULL THEN
            PERFORM refuse_other_kinds_1(p_partition, e_stream, e_topic);
            PERFORM write_batch_1(
                p_partition, head, present, x_actor, x_metadata, x_view,
                c_context, c_stream, c_expected, c_events, c_upto, c_doc, c_search,
                r_command, r_view, r_doc, r_search, c_sealing_key, c_key, c_fingerprint,
                e_context, e_stream, e_after, e_last, e_topic, e_state, e_id, true);
        END IF;
        IF x_account IS NOT NULL THEN
            account_name := account_names_1(x_account);
        END IF;
        outcome := array_replace(outcome, 'already', 'appended');
    END IF;

    -- This is outside the block that may be undone: a row that a transaction locked and a
    -- subtransaction changes needs a multixact.
    IF appended > 0 THEN
        UPDATE log_partition AS h
           SET position = head + appended,
               recorded_at = present
        -- plain
         WHERE h.ctid = place;
        -- end of plain
        -- distributed
         WHERE h.partition = p_partition;
        -- end of distributed
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The head of partition % is not where it was locked', p_partition;
        END IF;
    END IF;
END $$;

-- The present names of accounts, in the given order; null for an account that does not exist.
CREATE OR REPLACE FUNCTION account_names_1(x_account text[]) RETURNS text[]
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN ARRAY(
        SELECT (SELECT i.name FROM account_info AS i WHERE i.account_id = x.id LIMIT 1)
          FROM unnest(x_account) WITH ORDINALITY AS x(id, number)
         ORDER BY x.number);
END $$;
