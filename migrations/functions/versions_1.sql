-- Makes a version of a view the live one, in the transaction that puts its rows in place.

-- The tables of the versions before lose their names. So workers that know only these can no longer
-- read or write the view: nothing of theirs is stale, or missing in the new version. The histories are
-- emptied, for they hold documents of the old version; the follower makes them again from the log.
CREATE OR REPLACE FUNCTION go_live_1(
    p_view      text,
    p_version   integer,
    p_former    text[],  -- tables of the versions before
    p_histories text[]   -- tables of all histories
) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    former text;
BEGIN
    -- (First, as followers take it before the histories.)
    UPDATE follower_checkpoint AS f SET position = 0 WHERE f.name = 'history';
    DELETE FROM quarantine AS q WHERE q.follower = 'history';
    FOREACH former IN ARRAY p_former LOOP
        IF to_regclass(quote_ident(former)) IS NOT NULL THEN
            EXECUTE format('DROP TABLE IF EXISTS %I', former || '_old');
            EXECUTE format('ALTER TABLE %I RENAME TO %I', former, former || '_old');
            DELETE FROM view_kept AS k WHERE k.view = former;
        END IF;
        EXECUTE format('DROP TABLE IF EXISTS %I', former || '_history');
    END LOOP;
    INSERT INTO view_version (view, version) VALUES (p_view, p_version)
        ON CONFLICT (view) DO UPDATE
       SET version = excluded.version,
           live_at = now();
    UPDATE rebuild AS r
       SET state = 'failed', failure = 'A later version is live', changed_at = now()
     WHERE r.unfinished
       AND r.views && p_former;
    EXECUTE format('TRUNCATE event_index, history_reach, %s',
                   (SELECT string_agg(quote_ident(h.name), ', ') FROM unnest(p_histories) AS h(name)));
END $$;
