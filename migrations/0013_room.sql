-- A disk that is full still takes a small change of a row, but no event: nothing grows by that. So
-- after a write that found no room, one that needs some tells whether there is any again.

CREATE TABLE room (
    filler text NOT NULL
);
-- As large as written: compressed, it would need less room than it says.
ALTER TABLE room ALTER COLUMN filler SET STORAGE PLAIN;

-- Takes 256 KiB of disk, and gives them back. Fails with 53100 where there is less.
CREATE FUNCTION try_room() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    TRUNCATE room;
    INSERT INTO room (filler)
    SELECT repeat('.', 8000)
      FROM generate_series(1, 32);
    TRUNCATE room;
END $$;
REVOKE ALL ON FUNCTION try_room FROM PUBLIC;
GRANT EXECUTE ON FUNCTION try_room TO sessionary_service;
