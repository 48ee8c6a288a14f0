-- Draws numbers up to the very last one, and advances sequences that are behind the log.

-- plain
-- Returns fewer numbers than wanted when these are the last, none when all are used up.
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
-- (A sequence that somebody changed to bigint goes on past the last number.)
EXCEPTION WHEN sequence_generator_limit_exceeded OR numeric_value_out_of_range THEN
    RETURN drawn;  -- variables keep their values
END $$;

-- A sequence may be behind the log after a restore or a switch by logical replication. This only
-- moves it forward.
CREATE OR REPLACE FUNCTION move_sequence_1(p_sequence text, p_upto integer) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    moved regclass := p_sequence;
BEGIN
    IF coalesce(pg_sequence_last_value(moved), 0) >= p_upto THEN
        RETURN;
    END IF;
    -- This changes nothing, but its lock lets nobody draw until the end of the transaction. Numbers
    -- that others draw meanwhile are thus not drawn again.
    EXECUTE format('ALTER SEQUENCE %s CACHE 1', moved);
    IF coalesce(pg_sequence_last_value(moved), 0) < p_upto THEN
        PERFORM setval(moved, least(p_upto, (SELECT s.seqmax
                                               FROM pg_sequence AS s
                                              WHERE s.seqrelid = moved)));
    END IF;
END $$;

-- The last number drawn; null before the first.
CREATE OR REPLACE FUNCTION last_drawn_1(p_sequence text) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    -- (The owner's rights reach every sequence.)
    IF p_sequence IN ('chat_session_number', 'chat_message_number') THEN
        RETURN pg_sequence_last_value(p_sequence::regclass);
    END IF;
    RAISE invalid_parameter_value USING MESSAGE = format('%s is no number of ours', p_sequence);
END $$;
-- end of plain

-- distributed
-- Workers of Citus cannot draw from a sequence of integers: blocks of numbers are drawn from a row.
-- Returns fewer numbers than wanted when these are the last, none when all are used up.
CREATE OR REPLACE FUNCTION draw_numbers_1(p_sequence text, p_count integer) RETURNS integer[]
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    before bigint;
    upto   bigint;
BEGIN
    SELECT d.last INTO STRICT before
      FROM number_drawn AS d
     WHERE d.partition = 0
       AND d.name = p_sequence
       FOR UPDATE;
    upto := greatest(before, least(before + p_count, 2147483647));
    UPDATE number_drawn AS d
       SET last = upto
     WHERE d.partition = 0
       AND d.name = p_sequence;
    RETURN ARRAY(SELECT n::integer FROM generate_series(before + 1, upto) AS n ORDER BY n);
END $$;

-- The log may have numbers that were never drawn, after somebody put rows back. This only moves the
-- sequence forward.
CREATE OR REPLACE FUNCTION move_sequence_1(p_sequence text, p_upto integer) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE number_drawn AS d
       SET last = p_upto
     WHERE d.partition = 0
       AND d.name = p_sequence
       AND d.last < p_upto;
END $$;

-- The last number drawn; null before the first.
CREATE OR REPLACE FUNCTION last_drawn_1(p_sequence text) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN (SELECT nullif(d.last, 0)
              FROM number_drawn AS d
             WHERE d.partition = 0
               AND d.name = p_sequence);
END $$;
-- end of distributed

-- Passes over the numbers of chat sessions up to the one in a stream's first event. Any other
-- number changes nothing.
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
    RETURN;  -- a tampered event proves nothing
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
