-- Takes up the next events of a partition for the index of people, all or nothing. Returns false, and
-- does nothing, in the cases of `move_follower_1`.

CREATE OR REPLACE FUNCTION follow_people_1(
    p_partition integer,
    p_token     bigint,  -- of the lease
    p_after     bigint,  -- position up to which the follower is done
    p_upto      bigint,  -- position up to which it then is
    p_last      uuid,    -- id of the event there
    p_erased    uuid[],  -- streams of which personal data was erased
    -- one entry for each term and stream
    t_term      bigint[],
    t_stream    uuid[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT move_follower_1(p_partition, 'people', p_token, p_after, p_upto, p_last) THEN
        RETURN false;
    END IF;
    PERFORM write_people_1(p_partition, p_erased, t_term, t_stream);
    RETURN true;
END $$;

-- The same for events of a stream in quarantine; returns false in the cases of `redrive_1`.
CREATE OR REPLACE FUNCTION redrive_people_1(
    p_partition integer,
    p_token     bigint,
    p_reached   bigint,
    p_stream    uuid,
    p_position  bigint,
    p_then      bigint,
    p_version   bigint,
    p_error     text,
    p_erased    uuid[],
    t_term      bigint[],
    t_stream    uuid[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT redrive_1(p_partition, 'people', p_token, p_reached, p_stream, p_position, p_then,
                     p_version, p_error) THEN
        RETURN false;
    END IF;
    PERFORM write_people_1(p_partition, p_erased, t_term, t_stream);
    RETURN true;
END $$;

-- Writes terms; the functions above decide whether that may be. What is erased goes first: the caller
-- gives what such a stream still has.
CREATE OR REPLACE FUNCTION write_people_1(
    p_partition integer,
    p_erased    uuid[],
    t_term      bigint[],
    t_stream    uuid[]
) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    DELETE FROM person_term AS t
     WHERE t.partition = p_partition
       AND t.stream_id = ANY (p_erased);
    INSERT INTO person_term (partition, term, stream_id)
    SELECT p_partition, n.term, n.stream
      FROM unnest(t_term, t_stream) AS n(term, stream)
        ON CONFLICT (partition, term, stream_id) DO NOTHING;
END $$;
