-- Tests whether a disk that was full has room again, by means of the table `room`.

-- Empties the table unless somebody reads it, as a dump does; a later call then empties it.
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

-- Takes 256 KiB of disk and gives them back. Fails with 53100 if there is less.
CREATE OR REPLACE FUNCTION try_room_1() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    free_pages bigint;
BEGIN
    PERFORM empty_room_1();
    -- Pages left by earlier failed tries are filled first. (A row takes a page.)
    SELECT pg_relation_size('room') / current_setting('block_size')::bigint - count(*)
      INTO free_pages
      FROM room;
    INSERT INTO room (filler)
    SELECT repeat('.', 8000)
      FROM generate_series(1, free_pages + 32);
    PERFORM empty_room_1();
END $$;
