-- What the service may do about rebuilds and what is like them: record that somebody asks for one, or
-- for its pause or end. Whoever has the service's login can do no more, and only so often.

-- What was asked for, or what does the same already; null: there are too many.
CREATE OR REPLACE FUNCTION ask_rebuild_1(
    p_kind       text,     -- rebuild, refill, back, redrive
    p_names      text[],   -- of views, or of followers for refill and redrive
    p_stream     uuid,     -- to be redriven; null: all of the follower
    p_dry_run    boolean,
    p_by         text,     -- who asks
    p_request_id text,
    p_key        text,     -- idempotency key; null: none
    OUT id       uuid,
    OUT outcome  text      -- asked | joined | replayed | key_reused | too_many
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    most_unfinished CONSTANT integer := 10;
    most_an_hour    CONSTANT integer := 60;
    wanted text[] := ARRAY(SELECT DISTINCT v.name FROM unnest(p_names) AS v(name) ORDER BY v.name);
    known  text[] := CASE WHEN p_kind IN ('rebuild', 'back') THEN ARRAY[{views}]
                          ELSE ARRAY['history', 'activity', 'people', 'tree']
                               || ARRAY(SELECT f.name FROM follower_checkpoint AS f) END;
    same   record;
BEGIN
    IF (p_kind IN ('rebuild', 'refill', 'back', 'redrive')
        AND cardinality(wanted) > 0
        AND wanted <@ known
        AND p_dry_run IS NOT NULL
        AND (p_stream IS NULL OR p_kind = 'redrive')
        AND (NOT p_dry_run OR p_kind = 'rebuild')
        AND length(p_by) <= 1000
        AND length(p_request_id) <= 1000
        AND length(coalesce(p_key, '')) <= 1000) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING MESSAGE = 'Nobody can ask for such a rebuild';
    END IF;
    -- One at a time, so that two of the same do not miss each other. (The service's login has no
    -- right to take this lock in any other way.)
    LOCK TABLE rebuild_ask IN SHARE ROW EXCLUSIVE MODE;

    SELECT r.id, r.kind, r.views, r.stream, r.dry_run INTO same
      FROM rebuild_ask AS a
      JOIN rebuild AS r
        ON r.id = a.rebuild
     WHERE a.asked_by = p_by
       AND a.key = p_key;
    IF FOUND THEN
        id := same.id;
        outcome := CASE WHEN same.kind = p_kind AND same.views = wanted
                             AND same.stream IS NOT DISTINCT FROM p_stream
                             AND same.dry_run = p_dry_run THEN 'replayed'
                        ELSE 'key_reused' END;
        RETURN;
    END IF;

    SELECT r.id INTO id
      FROM rebuild AS r
     WHERE r.unfinished
       AND r.for_operator
       AND r.kind = p_kind
       AND r.views = wanted
       AND r.stream IS NOT DISTINCT FROM p_stream
       AND r.dry_run = p_dry_run
       AND r.asked IS DISTINCT FROM 'cancel';
    outcome := CASE WHEN FOUND THEN 'joined' ELSE 'asked' END;
    IF (SELECT count(*) FROM rebuild_ask AS a WHERE a.asked_at > now() - interval '1 hour')
           >= most_an_hour
       OR outcome = 'asked'
          AND (SELECT count(*) FROM rebuild AS r WHERE r.unfinished) >= most_unfinished THEN
        id := NULL;
        outcome := 'too_many';
        RETURN;
    END IF;
    IF outcome = 'joined' THEN
        UPDATE rebuild AS r SET asked = NULL WHERE r.id = ask_rebuild_1.id AND r.state = 'waiting';
    ELSE
        id := gen_random_uuid();
        INSERT INTO rebuild (id, kind, views, stream, dry_run, state, release, run, for_operator)
        VALUES (id, p_kind, wanted, p_stream, p_dry_run, 'waiting', '', 0, true);
    END IF;
    INSERT INTO rebuild_ask (rebuild, what, asked_by, request_id, key)
    VALUES (id, p_kind, p_by, p_request_id, p_key);
    PERFORM pg_notify('sessionary_rebuild', '');
END $$;

-- Asks for the pause of a rebuild or refill, for an operator process to go on with it, or for its end; its state
-- afterwards, or null if there is none. One that has not begun is cancelled at once. Any other one
-- stops when the process that works on it looks.
CREATE OR REPLACE FUNCTION steer_rebuild_1(
    p_id         uuid,
    p_what       text,     -- pause, resume, cancel
    p_by         text,
    p_request_id text,
    OUT state      text,
    OUT unfinished boolean,
    OUT done       boolean -- whether it is as was asked for
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    most_an_hour CONSTANT integer := 300;
    before       record;
BEGIN
    IF (p_what IN ('pause', 'resume', 'cancel')
        AND length(p_by) <= 1000
        AND length(p_request_id) <= 1000) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING MESSAGE = 'Nobody can ask for such a thing';
    END IF;
    SELECT r.asked, r.kind, r.run_at, r.for_operator INTO before
      FROM rebuild AS r
     WHERE r.id = p_id
       AND r.unfinished
       FOR UPDATE;
    done := FOUND AND CASE p_what
        -- (What takes a moment only is not paused.)
        WHEN 'pause' THEN before.kind IN ('rebuild', 'refill') AND before.asked IS DISTINCT FROM 'cancel'
        WHEN 'resume' THEN before.asked IS DISTINCT FROM 'cancel'
        ELSE true
    END;
    IF done AND (before.asked IS DISTINCT FROM nullif(p_what, 'resume')
                 OR p_what = 'resume' AND NOT before.for_operator) THEN
        -- (The end of one is asked for once. A pause can be asked for again and again.)
        IF p_what <> 'cancel' AND (SELECT count(*)
                                     FROM rebuild_ask AS a
                                    WHERE a.asked_at > now() - interval '1 hour') >= most_an_hour THEN
            done := NULL;
        ELSE
            UPDATE rebuild AS r
               SET state = CASE WHEN p_what = 'cancel' AND r.run_at IS NULL THEN 'cancelled'
                                ELSE r.state END,
                   asked = CASE WHEN p_what = 'cancel' AND r.run_at IS NULL THEN NULL
                                ELSE nullif(p_what, 'resume') END,
                   -- One that somebody began by the command, and that was broken off, as well.
                   for_operator = r.for_operator OR p_what = 'resume',
                   changed_at = now()
             WHERE r.id = p_id;
            INSERT INTO rebuild_ask (rebuild, what, asked_by, request_id)
            VALUES (p_id, p_what, p_by, p_request_id);
            PERFORM pg_notify('sessionary_rebuild', '');
        END IF;
    END IF;
    SELECT r.state, r.unfinished INTO state, unfinished FROM rebuild AS r WHERE r.id = p_id;
END $$;

-- Whether somebody with the owner's rights holds an advisory lock: one of those who work on views. (A
-- lock that the service's login takes says nothing.)
CREATE OR REPLACE FUNCTION held_1(p_lock text) RETURNS boolean
LANGUAGE sql
STABLE
AS $$
    SELECT EXISTS (SELECT
                     FROM pg_locks AS l
                     JOIN pg_stat_activity AS a
                       ON a.pid = l.pid
                    WHERE l.locktype = 'advisory'
                      AND l.granted
                      AND l.objsubid = 1
                      AND l.classid::bigint << 32 | l.objid::bigint
                          = hashtextextended(p_lock, 0)
                      AND a.datname = current_database()
                      AND pg_has_role(a.usesysid, (SELECT c.relowner
                                                     FROM pg_class AS c
                                                    WHERE c.oid = to_regclass('public.rebuild')),
                                      'MEMBER'));
$$;
