-- Counts the next events of a partition for accounts and days, all or nothing. Returns false, and does
-- nothing, in the cases of `move_follower_1`.

CREATE OR REPLACE FUNCTION follow_activity_1(
    p_partition integer,
    p_token     bigint,  -- of the lease
    p_after     bigint,  -- position up to which the follower is done
    p_upto      bigint,  -- position up to which it then is
    p_last      uuid,    -- id of the event there
    -- one entry for each account and day
    a_account   text[],
    a_day       date[],
    a_opened    bigint[],
    a_changed   bigint[],
    a_closed    bigint[],
    -- one entry for each account, day and actor
    x_account   text[],
    x_day       date[],
    x_actor     text[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT move_follower_1(p_partition, 'activity', p_token, p_after, p_upto, p_last) THEN
        RETURN false;
    END IF;
    PERFORM write_activity_1(p_partition, a_account, a_day, a_opened, a_changed, a_closed,
                             x_account, x_day, x_actor);
    RETURN true;
END $$;

-- The same for events of a stream in quarantine; returns false in the cases of `redrive_1`.
CREATE OR REPLACE FUNCTION redrive_activity_1(
    p_partition integer,
    p_token     bigint,
    p_reached   bigint,
    p_stream    uuid,
    p_position  bigint,
    p_then      bigint,
    p_version   bigint,
    p_error     text,
    a_account   text[],
    a_day       date[],
    a_opened    bigint[],
    a_changed   bigint[],
    a_closed    bigint[],
    x_account   text[],
    x_day       date[],
    x_actor     text[]
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT redrive_1(p_partition, 'activity', p_token, p_reached, p_stream, p_position, p_then,
                     p_version, p_error) THEN
        RETURN false;
    END IF;
    PERFORM write_activity_1(p_partition, a_account, a_day, a_opened, a_changed, a_closed,
                             x_account, x_day, x_actor);
    RETURN true;
END $$;

-- Adds counts; the functions above decide whether that may be.
CREATE OR REPLACE FUNCTION write_activity_1(
    p_partition integer,
    a_account   text[],
    a_day       date[],
    a_opened    bigint[],
    a_changed   bigint[],
    a_closed    bigint[],
    x_account   text[],
    x_day       date[],
    x_actor     text[]
) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO activity AS a (partition, account_id, day, opened, changed, closed)
    SELECT p_partition, n.account, n.day, n.opened, n.changed, n.closed
      FROM unnest(a_account, a_day, a_opened, a_changed, a_closed)
           AS n(account, day, opened, changed, closed)
        ON CONFLICT (partition, account_id, day) DO UPDATE
       SET opened = a.opened + excluded.opened,
           changed = a.changed + excluded.changed,
           closed = a.closed + excluded.closed;
    INSERT INTO activity_actor (partition, account_id, day, actor)
    SELECT p_partition, n.account, n.day, n.actor
      FROM unnest(x_account, x_day, x_actor) AS n(account, day, actor)
        ON CONFLICT (partition, account_id, day, actor) DO NOTHING;
END $$;
