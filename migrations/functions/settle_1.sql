-- Returns when no append is under way that began before the call. An append takes its time under its
-- head, and commits later: without this, a cut at the present time could miss its events, and a
-- later cut at the same time would have them.
CREATE OR REPLACE FUNCTION settle_1() RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    -- plain
    PERFORM 1
       FROM log_partition AS h
      ORDER BY h.partition
        FOR UPDATE;
    -- end of plain
    -- distributed
    FOR p_partition IN 0 .. partitions_1() - 1 LOOP
        PERFORM 1
           FROM log_partition AS h
          WHERE h.partition = p_partition
            FOR UPDATE;
    END LOOP;
    -- end of distributed
END $$;
