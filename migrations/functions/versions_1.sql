-- Versions of a view that are kept beside each other: one goes live, is caught up, is dropped.

-- Makes a version of a view the live one, in the transaction that puts its rows in place: all heads are
-- locked. The versions before are kept: from here on, each append to one leaves word for the others.
CREATE OR REPLACE FUNCTION go_live_1(p_view text, p_version integer) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    is_first boolean := NOT EXISTS (SELECT FROM view_version AS v WHERE v.view = p_view);
BEGIN
    IF is_first THEN
        INSERT INTO view_version (view, version) VALUES (p_view, 1);
        -- The histories of the view's versions are followed one by one from here on, each by workers
        -- that know its fold. Who follows for all loses its lease, and begins again without this one.
        INSERT INTO lease AS l (name, holder, until, token)
        VALUES ('follow_history', gen_random_uuid(), now(),
                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
            ON CONFLICT (name) DO UPDATE
           SET token = l.token + 1,
               until = now();
        INSERT INTO follower_checkpoint (partition, name, position)
        SELECT f.partition, 'history_' || p_view, f.position
          FROM follower_checkpoint AS f
         WHERE f.name = 'history';
        EXECUTE format($quarantine$
            INSERT INTO quarantine (partition, follower, stream_id, version, position, error)
            SELECT q.partition, %L, q.stream_id, q.version, q.position, q.error
              FROM quarantine AS q
             WHERE q.follower = 'history'
               AND EXISTS (SELECT
                             FROM %I AS h
                            WHERE h.partition = q.partition
                              AND h.stream_id = q.stream_id)
            $quarantine$, 'history_' || p_view, p_view || '_history');
    END IF;
    UPDATE view_version AS v SET is_live = false WHERE v.view = p_view;
    INSERT INTO view_version (view, version) VALUES (p_view, p_version);
    DELETE FROM view_behind AS b
     USING view_version AS v
     WHERE v.view = p_view
       AND v.version = p_version
       AND b.name = v.name;
END $$;

-- Drops all versions of a view but the live one. The tables of a later one only lose their rows and
-- their names, as its migration does not run again: `restore_version_1` gives the names back.
CREATE OR REPLACE FUNCTION drop_versions_1(p_view text) RETURNS text[]
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    gone    record;
    dropped text[] := '{}';
    made    text;
BEGIN
    PERFORM lock_heads_1();
    FOR gone IN
        SELECT v.name, v.version > l.version AS is_later
          FROM view_version AS v
          JOIN view_version AS l
            ON l.view = v.view
           AND l.is_live
         WHERE v.view = p_view
           AND NOT v.is_live
    LOOP
        DELETE FROM view_version AS v WHERE v.name = gone.name;
        DELETE FROM view_behind AS b WHERE b.name = gone.name;
        DELETE FROM view_kept AS k WHERE k.view = gone.name;
        DELETE FROM lease AS l WHERE l.name = 'follow_history_' || gone.name;
        DELETE FROM follower_checkpoint AS f WHERE f.name = 'history_' || gone.name;
        DELETE FROM quarantine AS q WHERE q.follower = 'history_' || gone.name;
        UPDATE rebuild AS r
           SET state = 'failed', failure = 'That version of the view was dropped', changed_at = now()
         WHERE r.unfinished
           AND gone.name = ANY (r.views);
        EXECUTE format('DROP TABLE IF EXISTS %I, %I', gone.name || '_old', gone.name || '_new');
        FOREACH made IN ARRAY ARRAY[gone.name, gone.name || '_history'] LOOP
            IF gone.is_later THEN
                EXECUTE format('TRUNCATE %I', made);
                EXECUTE format('ALTER TABLE %I RENAME TO %I', made, made || '_unbuilt');
            ELSE
                EXECUTE format('DROP TABLE IF EXISTS %I', made);
            END IF;
        END LOOP;
        dropped := dropped || gone.name;
    END LOOP;
    RETURN dropped;
END $$;

-- Gives the empty tables of a version that was dropped their names back: it is to be built again.
CREATE OR REPLACE FUNCTION restore_version_1(p_name text) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY[p_name, p_name || '_history'] LOOP
        IF to_regclass(quote_ident(made || '_unbuilt')) IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I RENAME TO %I', made || '_unbuilt', made);
        END IF;
    END LOOP;
END $$;

-- Puts the rows of streams in place that others appended to, and returns the streams that are as the
-- log's end has them. A stream that has moved since it was folded is left as it is.
CREATE OR REPLACE FUNCTION renew_rows_1(
    p_name        text,       -- of the version
    p_partition   integer,
    -- one entry for each stream
    c_stream      uuid[],
    c_version     bigint[],   -- up to which it was folded
    c_damaged     boolean[],  -- whether it cannot be folded: its row stays as it is
    -- one entry for each row
    r_stream      uuid[],
    r_version     bigint[],
    r_position    bigint[],
    r_created_by  text[],
    r_created_at  timestamptz[],
    r_modified_by text[],
    r_modified_at timestamptz[],
    r_doc         jsonb[],
    r_search      jsonb[]
) RETURNS uuid[]
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
-- (As in `append_1`.)
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    settled uuid[];
    renewed uuid[];
BEGIN
    -- Nobody appends meanwhile: a row is put in place, and its mark removed, at one version.
    PERFORM FROM log_partition AS h WHERE h.partition = p_partition FOR UPDATE;
    SELECT array_agg(c.stream), array_agg(c.stream) FILTER (WHERE NOT c.damaged)
      INTO settled, renewed
      FROM unnest(c_stream, c_version, c_damaged) AS c(stream, version, damaged)
     WHERE c.version = (SELECT s.originator_version
                          FROM stored_events AS s
                         WHERE s.partition = p_partition
                           AND s.originator_id = c.stream
                         ORDER BY s.originator_version DESC
                         LIMIT 1);
    -- for each view
    IF p_name = '{view}' AND renewed IS NOT NULL THEN
        DELETE FROM {view} AS v
         WHERE v.partition = p_partition
           AND v.stream_id = ANY (renewed);
        INSERT INTO {view}
               (partition, stream_id, version, position,
                created_by, created_at, modified_by, modified_at, doc, search)
        SELECT p_partition, r.stream, r.version, r.position, r.created_by, r.created_at,
               r.modified_by, r.modified_at, r.doc, r.search
          FROM unnest(r_stream, r_version, r_position, r_created_by, r_created_at,
                      r_modified_by, r_modified_at, r_doc, r_search)
               AS r(stream, version, position, created_by, created_at,
                    modified_by, modified_at, doc, search)
         WHERE r.stream = ANY (renewed);
    END IF;
    -- end
    DELETE FROM view_behind AS b
     WHERE b.name = p_name
       AND b.partition = p_partition
       AND b.stream_id = ANY (settled);
    RETURN settled;
END $$;
