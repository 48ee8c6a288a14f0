-- Takes up the next events of a partition into the histories of the views and the index of events, all
-- or nothing. Returns false, and does nothing, in the cases of `move_follower_1`,
-- and if another follower keeps the history of one of the views by now.

CREATE OR REPLACE FUNCTION follow_history_1(
    p_partition   integer,
    p_follower    text,         -- `history`, or `history_` and the version of a view whose it is
    p_token       bigint,       -- of the lease
    p_after       bigint,       -- position up to which the follower is done
    p_upto        bigint,       -- position up to which it then is
    p_last        uuid,         -- id of the event there
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
    IF NOT move_follower_1(p_partition, p_follower, p_token, p_after, p_upto, p_last) THEN
        RETURN false;
    END IF;

    PERFORM write_history_1(
            p_partition,
            c_view, c_stream, c_version, c_until, r_view, r_stream, r_version,
            r_position, r_until, r_created_by, r_created_at, r_modified_by,
            r_modified_at, r_doc, r_search, i_term, i_segment, i_positions);
    -- (While the tables are made anew, both followers take these terms out, each of its own index.)
    IF p_follower = 'history' AND to_regclass('sessionary_refill.event_index') IS NULL THEN
        DELETE FROM term_to_forget AS t
         WHERE t.partition = p_partition
           AND t.since <= p_upto;
    END IF;
    RETURN true;
END $$;
