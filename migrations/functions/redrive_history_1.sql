-- Takes up events of a stream in quarantine into the histories, all or nothing. Returns false, and does
-- nothing, in the cases of `redrive_1`.

CREATE OR REPLACE FUNCTION redrive_history_1(
    p_partition   integer,
    p_follower    text,         -- `history`, or `history_` and the version of a view whose it is
    p_token       bigint,
    p_reached     bigint,
    p_stream      uuid,
    p_position    bigint,
    p_then        bigint,
    p_version     bigint,
    p_error       text,
    -- one entry for each version that ends, and began before these events
    c_view        text[],
    c_stream      uuid[],
    c_version     bigint[],
    c_until       bigint[],     -- position of the event that ends it
    -- one entry for each version that begins
    r_view        text[],
    r_stream      uuid[],
    r_version     bigint[],
    r_position    bigint[],
    r_until       bigint[],     -- as c_until; null: it lasts
    r_created_by  text[],
    r_created_at  timestamptz[],
    r_modified_by text[],
    r_modified_at timestamptz[],
    r_doc         jsonb[],
    r_search      jsonb[],
    -- one entry for each segment of a term that has another content now
    i_term        bigint[],
    i_segment     bigint[],
    i_positions   bytea[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    -- (One that began before a further version of a view went live begins again.)
    IF EXISTS (SELECT
                 FROM (SELECT DISTINCT unnest(c_view || r_view)) AS v(name)
                WHERE NOT follows_1(p_follower, v.name))
       OR i_term <> '{}' AND p_follower <> 'history' THEN
        IF p_follower <> 'history' THEN
            RAISE undefined_table USING MESSAGE = 'That version of the view is not kept any more';
        END IF;
        RETURN false;
    END IF;
    IF NOT redrive_1(p_partition, p_follower, p_token, p_reached, p_stream, p_position, p_then,
                     p_version, p_error) THEN
        RETURN false;
    END IF;
    -- for each view
    -- (The stream ended where it was quarantined. If it ends now, the rows below say so.)
    IF '{view}' = ANY (r_view) THEN
        UPDATE {view}_history AS h
           SET ended = NULL
         WHERE h.partition = p_partition
           AND h.stream_id = p_stream
           AND h.version = 1;
    END IF;
    -- end
    PERFORM write_history_1(
            p_partition,
            c_view, c_stream, c_version, c_until, r_view, r_stream, r_version,
            r_position, r_until, r_created_by, r_created_at, r_modified_by,
            r_modified_at, r_doc, r_search, i_term, i_segment, i_positions);
    RETURN true;
END $$;
