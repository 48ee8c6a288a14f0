-- The kind of an event is the first part of its stored name; a stream has the kind of its first
-- event. Streams of AI sessions have drawn ids, all other streams have derived ids (UUIDv5).

-- Whether a stream may begin with an event of this name.
CREATE OR REPLACE FUNCTION may_begin_1(p_topic text, p_stream uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
SELECT CASE split_part(p_topic, '.', 1)
           WHEN 'ai_session' THEN get_byte(uuid_send(p_stream), 6) >> 4 <> 5
           ELSE get_byte(uuid_send(p_stream), 6) >> 4 = 5
                AND split_part(p_topic, '.', 1) = ANY (ARRAY[{kinds}])
       END
$$;

-- Raises check_violation for an event of another kind than the stream that it would enter.
CREATE OR REPLACE FUNCTION refuse_other_kinds_1(p_partition integer, e_stream uuid[], e_topic text[])
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
        OR t.is_new AND NOT may_begin_1(t.topic, t.stream)
     LIMIT 1;
    IF FOUND THEN
        RAISE check_violation USING MESSAGE =
            format('%s does not belong in stream %s: it is of another kind, or of none',
                   astray.topic, astray.stream);
    END IF;
END $$;

-- For rows that the table's owner inserts without the append. (`append` checks whole batches itself
-- and announces that: a trigger for each row would cost more than all of that.)
CREATE OR REPLACE FUNCTION refuse_other_kind() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
-- distributed
DECLARE
    first_topic text;  -- of the stream, where the event is to be
-- end of distributed
BEGIN
    -- plain
    PERFORM refuse_other_kinds_1(NEW.partition, ARRAY[NEW.originator_id], ARRAY[NEW.topic]);
    -- end of plain
    -- distributed
    -- (A trigger of a distributed table runs on one piece of it, and sees the log there alone.)
    EXECUTE format('SELECT s.topic FROM %s AS s WHERE s.partition = $1 AND s.originator_id = $2'
                   '   AND s.originator_version = 1', TG_RELID::regclass)
       INTO first_topic
      USING NEW.partition, NEW.originator_id;
    IF first_topic IS NULL AND NOT may_begin_1(NEW.topic, NEW.originator_id)
       OR split_part(first_topic, '.', 1) <> split_part(NEW.topic, '.', 1) THEN
        RAISE check_violation USING MESSAGE =
            format('%s does not belong in stream %s: it is of another kind, or of none',
                   NEW.topic, NEW.originator_id);
    END IF;
    -- end of distributed
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER one_kind
    BEFORE INSERT ON stored_events
    FOR EACH ROW WHEN (current_setting('sessionary.appends', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION refuse_other_kind();
