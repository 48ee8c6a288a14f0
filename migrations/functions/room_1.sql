-- Whether a disk that was full has room again, as `room` is for.

-- Empties the table, unless somebody looks at it, as a dump does: then a later call may.
CREATE OR REPLACE FUNCTION empty_room_1() RETURNS void
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

-- Takes 256 KiB of disk, and gives them back. Fails with 53100 where there is less.
CREATE OR REPLACE FUNCTION try_room_1() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    free_pages bigint;
BEGIN
    PERFORM empty_room_1();
    -- Pages of earlier tries that failed are filled first. (A row takes a page.)
    SELECT pg_relation_size('room') / current_setting('block_size')::bigint - count(*)
      INTO free_pages
      FROM room;
    INSERT INTO room (filler)
    SELECT repeat('.', 8000)
      FROM generate_series(1, free_pages + 32);
    PERFORM empty_room_1();
END $$;
