-- Erasure of personal data: the keys of a stream go, and what was written in the clear goes with them.

-- The bits of the subjects whose keys are erased: 1 the customer, 2 the agent. (`stored` is a row's
-- `wrapped`: a fingerprint of 8 bytes, then this byte, then the keys that there are.)
CREATE OR REPLACE FUNCTION erased_bits_1(p_stored bytea) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
SELECT CASE WHEN octet_length(p_stored) > 8 THEN get_byte(p_stored, 8) ELSE 0 END
$$;

-- A document without the personal members of erased subjects. `p_members`: of `projections.erasing`.
CREATE OR REPLACE FUNCTION erased_doc_1(p_doc jsonb, p_erased integer, p_members jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    left_over jsonb := p_doc;
    of_subject jsonb;
    member text;
    inner_names text[];
BEGIN
    FOR of_subject IN
        SELECT p_members -> s.name
          FROM (VALUES (1, 'customer'), (2, 'agent')) AS s(bit, name)
         WHERE p_erased & s.bit > 0
           AND p_members ? s.name
    LOOP
        left_over := left_over - ARRAY(SELECT jsonb_array_elements_text(of_subject -> 'gone'));
        FOR member IN SELECT jsonb_array_elements_text(of_subject -> 'null') LOOP
            IF left_over ? member THEN
                left_over := jsonb_set(left_over, ARRAY[member], 'null');
            END IF;
            left_over := left_over #- ARRAY['sealed', member];
        END LOOP;
        FOR member IN SELECT jsonb_object_keys(of_subject -> 'lists') LOOP
            inner_names := ARRAY(SELECT jsonb_array_elements_text(of_subject #> ARRAY['lists', member]));
            IF left_over ? member THEN
                left_over := jsonb_set(left_over, ARRAY[member], (
                    SELECT coalesce(jsonb_agg(i.item - inner_names ORDER BY i.n), '[]')
                      FROM jsonb_array_elements(left_over -> member) WITH ORDINALITY AS i(item, n)));
            END IF;
        END LOOP;
    END LOOP;
    RETURN CASE left_over -> 'sealed' WHEN '{}' THEN left_over - 'sealed' ELSE left_over END;
END $$;

-- for each view
CREATE OR REPLACE FUNCTION erased_{view}_1(p_doc jsonb, p_erased integer) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
SELECT erased_doc_1(p_doc, p_erased, '{members}')
$$;

-- end
-- Takes erased subjects' data out of the versions of a stream's rows, and out of the rows of tables
-- that a rebuild put aside, or that are being filled to take the place of those in use.
CREATE OR REPLACE FUNCTION erase_rows_1(p_partition integer, p_stream uuid, p_erased integer)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    former text;
BEGIN
    -- for each view
    IF '{members}' <> '{}' AND to_regclass('public.{view}_history') IS NOT NULL THEN
        UPDATE {view}_history AS h
           SET doc = erased_{view}_1(h.doc, p_erased)
         WHERE h.partition = p_partition
           AND h.stream_id = p_stream
           AND h.doc <> erased_{view}_1(h.doc, p_erased);
    END IF;
    FOREACH former IN ARRAY ARRAY['public.{view}', 'public.{view}_old',
                                  'sessionary_refill.{view}_history'] LOOP
        IF '{members}' <> '{}' AND to_regclass(former) IS NOT NULL THEN
            BEGIN
                EXECUTE format(
                    'UPDATE %s AS v SET doc = erased_{view}_1(v.doc, $3)'
                    ' WHERE v.partition = $1 AND v.stream_id = $2'
                    '   AND v.doc <> erased_{view}_1(v.doc, $3)', former)
                  USING p_partition, p_stream, p_erased;
            EXCEPTION
                -- (It was dropped, or taken for the way back: `erase_fresh_2` looks for it there.)
                WHEN undefined_table THEN NULL;
            END;
        END IF;
    END LOOP;
    -- end
END $$;

-- Erases keys of a stream, appends the event that says so, and takes the data out of all rows: all or
-- nothing. The mark of the erased keys is written first and stays: no append can make another key.
-- `position` is null, and nothing is done, if the stream's keys are not as the caller knew them, or its
-- version; nor if somebody forbids it: a hold is seen that was placed at any
-- time before this, since none is placed meanwhile. The row of the current state after the event is the row before it
-- without that data, whatever happened meanwhile; rows of other views are the caller's.
CREATE OR REPLACE FUNCTION erase_1(
    p_partition   integer,
    p_stream      uuid,
    p_before      bytea,    -- the row in stream_key as the caller knew it; null: there was none
    p_after       bytea,    -- the row without the erased keys, and with their mark
    p_actor       text,
    p_metadata    jsonb,
    p_view        text[],   -- tables of the views of the stream's kind, the current state first
    p_expected    bigint,   -- the version up to which the caller read the stream
    r_doc         jsonb[],  -- documents of the other views' rows; as in `append_1`
    r_search      jsonb[],
    p_topic       text,     -- of the event
    p_state       bytea,
    p_id          uuid,
    p_check_value text,     -- the log's check value of its master key
    p_holds       text[],   -- what holds that forbid it would be on; empty: none does
    p_hold_homes  integer[], -- partitions of the streams that such holds have
    -- one entry for each term by which the index finds a call up to there, and position of its event
    t_term        bigint[],
    t_position    bigint[],
    OUT "position"  bigint, -- of the event
    OUT version     bigint, -- of the stream after it
    OUT recorded_at timestamptz
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    known    bytea;
    last     record;  -- the stream's last event
    now      record;  -- the row of the current state, as it is after the event
    appended record;
    -- distributed
    home     integer;
    -- end of distributed
BEGIN
    IF (octet_length(p_after) % 61 = 9
        AND erased_bits_1(p_after) > 0
        AND p_topic LIKE '%.personal\_data\_erased.v1'
        AND cardinality(p_view) = 1 + coalesce(cardinality(r_doc), 0)
        AND coalesce(cardinality(r_search), 0) = coalesce(cardinality(r_doc), 0)
        AND p_expected IS NOT NULL
        AND cardinality(p_hold_homes) = cardinality(p_holds)
        AND cardinality(t_position) = cardinality(t_term)
        AND p_view <@ ARRAY[{views}]) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'The arguments of the erasure do not fit together';
    END IF;
    -- (In the order in which others lock several heads.)
    -- plain
    PERFORM
       FROM log_partition AS h
      WHERE h.partition = ANY (p_partition || p_hold_homes)
      ORDER BY h.partition
        FOR UPDATE;
    -- end of plain
    -- distributed
    FOR home IN SELECT DISTINCT p.home FROM unnest(p_partition || p_hold_homes) AS p(home) ORDER BY 1 LOOP
        PERFORM
           FROM log_partition AS h
          WHERE h.partition = home
            FOR UPDATE;
    END LOOP;
    -- end of distributed
    IF EXISTS (SELECT l.target  -- (Citus looks in several pieces for columns only.)
                 FROM legal_hold AS l
                WHERE l.target = ANY (p_holds)) THEN
        RETURN;
    END IF;
    -- (The comparison of `append_1`: a change of the master key must not miss this row.)
    IF octet_length(p_after) > 9
       AND EXISTS (SELECT
                     FROM log_setting AS s
                    WHERE s.name = 'stream_keys_under'
                      AND s.value <> encode(substr(p_after, 1, 8), 'hex')) THEN
        RAISE 'The log has another master key' USING ERRCODE = 'SE001';
    END IF;
    -- Whichever follower writes rows holds this lock with others. Either it is done, and its rows are
    -- found below; or it waits, and finds the mark.
    PERFORM pg_advisory_xact_lock(hashtextextended('sessionary erasure', p_partition));
    SELECT k.wrapped INTO known
      FROM stream_key AS k
     WHERE k.partition = p_partition
       AND k.stream_id = p_stream
       FOR UPDATE;
    SELECT s.originator_version AS version, s.event_id INTO STRICT last
      FROM stored_events AS s
     WHERE s.partition = p_partition
       AND s.originator_id = p_stream
     ORDER BY s.originator_version DESC
     LIMIT 1;
    IF known IS DISTINCT FROM p_before OR last.version <> p_expected THEN
        RETURN;
    END IF;
    IF known IS NULL THEN
        INSERT INTO stream_key (partition, stream_id, wrapped)
        VALUES (p_partition, p_stream, p_after);
    ELSE
        UPDATE stream_key AS k
           SET wrapped = p_after
         WHERE k.partition = p_partition
           AND k.stream_id = p_stream;
    END IF;
    SELECT r.doc, r.search INTO now
      FROM erased_row_1(p_view[1], p_partition, p_stream, erased_bits_1(p_after)) AS r;
    SELECT a.* INTO appended
      FROM append_1(
               p_partition, ARRAY[p_actor], ARRAY[p_metadata], p_view[:1], NULL,
               ARRAY[1], ARRAY[p_stream], ARRAY[last.version], ARRAY[last.event_id], NULL,
               ARRAY[now.doc], ARRAY[now.search], NULL, NULL, NULL,
               CASE WHEN r_doc IS NOT NULL THEN array_fill(1, ARRAY[cardinality(r_doc)]) END,
               CASE WHEN r_doc IS NOT NULL THEN p_view[2:] END, r_doc, r_search,
               ARRAY[p_topic], ARRAY[p_state], ARRAY[p_id], true, p_check_value) AS a;
    IF appended.outcome IS NOT NULL THEN
        RAISE 'The event of the erasure was not appended: %', appended.outcome;
    END IF;
    position := appended.head + 1;
    version := last.version + 1;
    recorded_at := appended.present;
    PERFORM erase_rows_1(p_partition, p_stream, erased_bits_1(p_after));
    INSERT INTO term_to_forget (partition, since, term, position)
    SELECT p_partition, appended.head + 1, t.term, t.position
      FROM unnest(t_term, t_position) AS t(term, position)
        ON CONFLICT DO NOTHING;
    -- (Another view may have a row only while there is such data: the last version ends here.)
    -- for each view
    IF array_position(p_view, '{view}') > 1
       AND r_doc[array_position(p_view, '{view}') - 1] IS NULL THEN
        UPDATE {view}_history AS h
           SET until = appended.head + 1
         WHERE h.partition = p_partition
           AND h.stream_id = p_stream
           AND h.until = 9223372036854775807;
        IF FOUND THEN
            UPDATE {view}_history AS h
               SET ended = appended.head + 1
             WHERE h.partition = p_partition
               AND h.stream_id = p_stream
               AND h.version = 1;
        END IF;
    END IF;
    -- end
    -- Workers that look see that they are to forget the keys that they have in memory.
    INSERT INTO log_setting (name, value)
    VALUES ('last_erasure', p_id::text)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value;
END $$;

-- The document and search values of a stream's row in a view, without the data of erased subjects.
CREATE OR REPLACE FUNCTION erased_row_1(
    p_view text, p_partition integer, p_stream uuid, p_erased integer,
    OUT doc jsonb, OUT search jsonb
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    -- for each view
    IF p_view = '{view}' THEN
        SELECT erased_{view}_1(v.doc, p_erased), v.search INTO doc, search
          FROM {view} AS v
         WHERE (v.partition, v.stream_id) <= (p_partition, p_stream)
           AND (v.partition, v.stream_id) >= (p_partition, p_stream)
         ORDER BY v.partition DESC, v.stream_id DESC
         LIMIT 1;
    END IF;
    -- end
END $$;

-- Takes erased subjects' data out of a stream's rows in the tables that a rebuild fills, or that are
-- brought up to date for the way back.
CREATE OR REPLACE FUNCTION erase_fresh_rows_1(p_partition integer, p_stream uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    erased integer;
    fresh text;
BEGIN
    SELECT erased_bits_1(k.wrapped) INTO erased
      FROM stream_key AS k
     WHERE k.partition = p_partition
       AND k.stream_id = p_stream;
    IF coalesce(erased, 0) = 0 THEN
        RETURN;
    END IF;
    -- for each view
    FOREACH fresh IN ARRAY ARRAY['public.{view}_new', 'public.{view}_old'] LOOP
        IF '{members}' <> '{}' AND to_regclass(fresh) IS NOT NULL THEN
            EXECUTE format(
                'UPDATE %s AS v SET doc = erased_{view}_1(v.doc, $3)'
                ' WHERE v.partition = $1 AND v.stream_id = $2'
                '   AND v.doc <> erased_{view}_1(v.doc, $3)', fresh)
              USING p_partition, p_stream, erased;
        END IF;
    END LOOP;
    -- end
END $$;

-- The same for streams that were erased, whether a rebuild is under way or was broken off. It folds them
-- again before its swap, since they moved: this is for the time until then, which has no end if nobody
-- goes on with it. False: something is in the way, such as an index that is being made there, and
-- nothing is done.
CREATE OR REPLACE FUNCTION erase_fresh_2(
    p_partitions integer[],
    p_streams    uuid[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '2s'  -- making an index can take long
AS $$
BEGIN
    -- Whoever fills a fresh table holds this lock with others. Either it is done, and its rows are found
    -- below; or it waits, and finds the mark (`erase_folded_1`).
    PERFORM pg_advisory_xact_lock(hashtextextended('sessionary fresh rows', 0));
    FOR number IN 1 .. cardinality(p_streams) LOOP
        PERFORM erase_fresh_rows_1(p_partitions[number], p_streams[number]);
    END LOOP;
    RETURN true;
EXCEPTION
    -- (A table may get another name at any moment, or go.)
    WHEN lock_not_available OR deadlock_detected OR undefined_table THEN
        RETURN false;
END $$;

-- The same for streams whose rows a rebuild has just written, and may have read before an erasure.
-- `p_known`: the last erasure that it knew of when it began to read them.
CREATE OR REPLACE FUNCTION erase_folded_1(p_partition integer, p_streams uuid[], p_known text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    stream uuid;
BEGIN
    IF p_known IS NOT DISTINCT FROM (SELECT s.value
                                       FROM log_setting AS s
                                      WHERE s.name = 'last_erasure') THEN
        RETURN;
    END IF;
    FOREACH stream IN ARRAY p_streams LOOP
        PERFORM erase_fresh_rows_1(p_partition, stream);
    END LOOP;
END $$;

-- An erased key does not come back, whoever writes.
CREATE OR REPLACE FUNCTION refuse_revival() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (NEW.partition, NEW.stream_id) IS DISTINCT FROM (OLD.partition, OLD.stream_id)
       OR erased_bits_1(NEW.wrapped) & erased_bits_1(OLD.wrapped) <> erased_bits_1(OLD.wrapped)
       OR octet_length(NEW.wrapped) > octet_length(OLD.wrapped) THEN
        RAISE EXCEPTION 'An erased key of stream % does not come back', OLD.stream_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER erased_stays_erased
    BEFORE UPDATE OR DELETE ON stream_key
    FOR EACH ROW WHEN (erased_bits_1(OLD.wrapped) > 0)
    EXECUTE FUNCTION refuse_revival();
