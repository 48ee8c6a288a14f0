-- What all followers of ours do: each has a lease, and a checkpoint in each partition.

-- Moves a checkpoint, in the transaction of what the events up to there change. Returns false, and does
-- nothing, unless the follower is at the position that the caller worked from, the caller has its lease
-- (else another one took up these events), and the log has the event at the new position (else it is
-- another log: an older backup was restored, or a standby took over that lacked the event).
CREATE OR REPLACE FUNCTION move_follower_1(
    p_partition integer,
    p_follower  text,
    p_token     bigint,  -- of the lease
    p_after     bigint,  -- position up to which the follower is done
    p_upto      bigint,  -- position up to which it then is
    p_last      uuid     -- id of the event there
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    -- (Locked, so that no other follower gets the lease before these events are taken up.)
    PERFORM
       FROM lease AS l
      WHERE l.name = 'follow_' || p_follower
        AND l.token = p_token
        FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_after = 0 THEN
        INSERT INTO follower_checkpoint (partition, name, position)
        VALUES (p_partition, p_follower, 0)
            ON CONFLICT DO NOTHING;
    END IF;
    UPDATE follower_checkpoint AS f
       SET position = p_upto
     WHERE f.partition = p_partition
       AND f.name = p_follower
       AND f.position = p_after
       AND EXISTS (SELECT
                     FROM stored_events AS e
                    WHERE e.partition = p_partition
                      AND e.notification_id = p_upto
                      AND e.event_id = p_last);
    RETURN FOUND;
END $$;

-- Empties a follower's tables if they go beyond the log, or the tree's if it is not the log's: then they
-- are of another one. Returns whether they were, and the caller has the lease; false for followers that
-- are not ours.
CREATE OR REPLACE FUNCTION restart_follower_1(
    p_follower text,
    p_token    bigint  -- of the lease
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
        FOR UPDATE;
    IF NOT FOUND
       OR NOT EXISTS (SELECT 1
                        FROM follower_checkpoint AS f
                        JOIN log_partition AS h
                          ON h.partition = f.partition
                       WHERE f.name = p_follower
                         AND f.position > h.position)
       -- (A tree knows its last event: the log may have another one there.)
       AND NOT (p_follower = 'tree'
                AND EXISTS (SELECT 1
                              FROM follower_checkpoint AS f
                              LEFT JOIN tree AS t
                                ON t.partition = f.partition
                               AND t.size = f.position
                               AND octet_length(t.frontier) = 32 * bit_count(t.size::bit(64))
                             WHERE f.name = p_follower
                               AND f.position > 0
                               AND NOT EXISTS (SELECT
                                                 FROM stored_events AS e
                                                WHERE e.partition = f.partition
                                                  AND e.notification_id = f.position
                                                  AND e.event_id = t.last_event))) THEN
        RETURN false;
    END IF;
    IF p_follower = 'history' THEN
        -- for each view
        IF follows_1(p_follower, '{view}') AND to_regclass('{view}_history') IS NOT NULL THEN
            TRUNCATE {view}_history;
        END IF;
        -- end
        TRUNCATE event_index, history_reach;
    -- for each view
    ELSIF p_follower = 'history_{view}' THEN
        TRUNCATE {view}_history;
    -- end
    ELSIF p_follower = 'activity' THEN
        TRUNCATE activity, activity_actor;
    ELSIF p_follower = 'people' THEN
        TRUNCATE person_term;
    ELSIF p_follower = 'tree' THEN
        TRUNCATE tree, tree_tile;
    ELSE
        RETURN false;
    END IF;
    DELETE FROM quarantine AS q
     WHERE q.follower = p_follower;
    UPDATE follower_checkpoint
       SET position = 0
     WHERE name = p_follower;
    RETURN true;
END $$;

-- Whether a follower keeps the history of a version of a view. While several versions of a view are kept,
-- each has a follower of its own; else all views have one, which also keeps the index of events.
CREATE OR REPLACE FUNCTION follows_1(p_follower text, p_name text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
SELECT CASE
           WHEN p_follower = 'history_' || p_name
           THEN p_name ~ '_v[0-9]+$' OR EXISTS (SELECT FROM view_version AS v WHERE v.name = p_name)
           WHEN p_follower = 'history'
           THEN p_name !~ '_v[0-9]+$'
                AND NOT EXISTS (SELECT FROM view_version AS v WHERE v.name = p_name)
           ELSE false
       END
$$;
