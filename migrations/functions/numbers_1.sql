-- Drawing numbers to the very last one, and moving sequences on that are behind the log.

-- Fewer than wanted when those are the last, none when all are used up.
CREATE OR REPLACE FUNCTION draw_numbers_1(p_sequence text, p_count integer) RETURNS integer[]
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    wanted regclass := p_sequence;
    drawn  integer[] := '{}';
BEGIN
    FOR i IN 1 .. p_count LOOP
        drawn := drawn || nextval(wanted)::integer;
    END LOOP;
    RETURN drawn;
-- (A sequence that somebody made a bigint goes on behind the last number.)
EXCEPTION WHEN sequence_generator_limit_exceeded OR numeric_value_out_of_range THEN
    RETURN drawn;  -- variables keep what they had
END $$;

-- After a restore or a switch by logical replication a sequence may be behind what the log has.
-- Forward only.
CREATE OR REPLACE FUNCTION move_sequence_1(p_sequence regclass, p_upto integer) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    IF coalesce(pg_sequence_last_value(p_sequence), 0) >= p_upto THEN
        RETURN;
    END IF;
    -- Changes nothing; but its lock lets nobody draw until the end of the transaction, so that what
    -- others draw meanwhile is not drawn again.
    EXECUTE format('ALTER SEQUENCE %s CACHE 1', p_sequence);
    IF coalesce(pg_sequence_last_value(p_sequence), 0) < p_upto THEN
        PERFORM setval(p_sequence, least(p_upto, (SELECT s.seqmax
                                                    FROM pg_sequence AS s
                                                   WHERE s.seqrelid = p_sequence)));
    END IF;
END $$;

-- Passes over the numbers of chat sessions up to one that the log has: that of a stream's first
-- event. Any other is left alone.
CREATE OR REPLACE FUNCTION pass_over_session_numbers_1(p_partition integer, p_stream uuid, p_number integer)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    taken integer;
BEGIN
    SELECT (convert_from(s.state, 'UTF8')::jsonb ->> 'chat_session_id')::integer INTO taken
      FROM stored_events AS s
     WHERE s.partition = p_partition
       AND s.originator_id = p_stream
       AND s.originator_version = 1
       AND s.topic LIKE 'chat\_session.created.%';
    IF taken = p_number THEN
        PERFORM move_sequence_1('chat_session_number', taken);
    END IF;
EXCEPTION WHEN data_exception THEN
    RETURN;  -- an event that was tampered with proves nothing
END $$;

-- Passes over the numbers of chat messages up to the last one of a session.
CREATE OR REPLACE FUNCTION pass_over_message_numbers_1(p_partition integer, p_stream uuid) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    taken integer;
BEGIN
    SELECT (v.doc ->> 'last_message_id')::integer INTO taken
      FROM chat_session_entity AS v
     WHERE v.partition = p_partition
       AND v.stream_id = p_stream;
    PERFORM move_sequence_1('chat_message_number', taken);
END $$;
