-- A disk that is full still takes a small change of a row, but no event: nothing grows by that. So
-- after a write that found no room, one that needs some tells whether there is any again.

CREATE TABLE room (
    filler text NOT NULL
);
-- As large as written: compressed, it would need less room than it says.
ALTER TABLE room ALTER COLUMN filler SET STORAGE PLAIN;

-- Empties the table, unless somebody looks at it, as a dump does: then a later call may.
CREATE FUNCTION empty_room() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    LOCK TABLE room IN ACCESS EXCLUSIVE MODE NOWAIT;
    TRUNCATE room;
EXCEPTION WHEN lock_not_available THEN
    NULL;
END $$;
REVOKE ALL ON FUNCTION empty_room FROM PUBLIC;

-- Takes 256 KiB of disk, and gives them back. Fails with 53100 where there is less.
CREATE FUNCTION try_room() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    free_pages bigint;
BEGIN
    PERFORM empty_room();
    -- Pages of earlier tries that failed are filled first. (A row takes a page.)
    SELECT pg_relation_size('room') / current_setting('block_size')::bigint - count(*)
      INTO free_pages
      FROM room;
    INSERT INTO room (filler)
    SELECT repeat('.', 8000)
      FROM generate_series(1, free_pages + 32);
    PERFORM empty_room();
END $$;
REVOKE ALL ON FUNCTION try_room FROM PUBLIC;
GRANT EXECUTE ON FUNCTION try_room TO sessionary_service;
