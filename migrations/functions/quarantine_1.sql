-- Quarantine: streams of which a follower cannot take up an event.

-- Puts streams into quarantine, in the transaction that moves the follower past their events. Returns
-- true.
CREATE OR REPLACE FUNCTION quarantine_1(
    p_partition integer,
    p_follower  text,
    -- one entry for each stream
    p_stream    uuid[],
    p_version   bigint[],  -- of the first event that waits
    p_position  bigint[],  -- of the same
    p_error     text[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO quarantine (partition, follower, stream_id, version, position, error)
    SELECT p_partition, p_follower, q.stream, q.version, q.position, q.error
      FROM unnest(p_stream, p_version, p_position, p_error) AS q(stream, version, position, error)
        ON CONFLICT (partition, follower, stream_id) DO NOTHING;
    RETURN true;
END $$;

-- Moves a stream in quarantine on to its next event that waits, or lets it out if none does. Returns
-- false, and does nothing, unless the caller has the follower's lease, the follower is where the caller
-- read up to, and the stream still waits at the position that the caller worked from.
CREATE OR REPLACE FUNCTION redrive_1(
    p_partition integer,
    p_follower  text,
    p_token     bigint,  -- of the lease
    p_reached   bigint,  -- position up to which the follower is done
    p_stream    uuid,
    p_position  bigint,  -- of the first event that waited
    p_then      bigint,  -- of the first event that waits now; null: none does
    p_version   bigint,  -- of the same
    p_error     text     -- why it waits; null: it was not tried yet
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM
       FROM lease AS l
      WHERE l.name = 'follow_' || p_follower
        AND l.token = p_token
        FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM
       FROM follower_checkpoint AS f
      WHERE f.partition = p_partition
        AND f.name = p_follower
        AND f.position = p_reached
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_then IS NULL THEN
        DELETE FROM quarantine AS q
         WHERE q.partition = p_partition
           AND q.follower = p_follower
           AND q.stream_id = p_stream
           AND q.position = p_position;
    ELSE
        UPDATE quarantine AS q
           SET position = p_then,
               version = p_version,
               error = coalesce(p_error, q.error),
               redrive_asked = CASE WHEN p_error IS NULL THEN q.redrive_asked END
         WHERE q.partition = p_partition
           AND q.follower = p_follower
           AND q.stream_id = p_stream
           AND q.position = p_position;
    END IF;
    RETURN FOUND;
END $$;
