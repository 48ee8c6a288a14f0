-- Whether arguments of an append fit together. The service is trusted with what an event says, but
-- positions, versions and partitions are not its to choose; and no argument makes the append write
-- what it did not check. (`append_1` itself compares the lengths of its lists.)

-- Whether the numbers of events are those of the events.
CREATE OR REPLACE FUNCTION counts_fit_1(c_stream uuid[], c_events integer[], e_topic text[])
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN cardinality(c_events) = cardinality(c_stream)
       AND coalesce((SELECT bool_and(coalesce(n.events, -1) >= 0)
                            AND sum(n.events) = cardinality(e_topic)
                       FROM unnest(c_events) AS n(events)), false);
END $$;

-- Whether new streams are in the partition that keeps them. (The others began in theirs.)
CREATE OR REPLACE FUNCTION partition_fits_1(p_partition integer, c_stream uuid[], c_expected bigint[])
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN NOT EXISTS (SELECT
                         FROM unnest(c_stream, c_expected) AS c(stream, expected)
                        WHERE c.expected = 0
                          AND partition_of_1(c.stream, partitions_1()) <> p_partition);
END $$;

-- Whether the rows of further views are of commands of the batch, and one for each view: the
-- tables have no unique key.
CREATE OR REPLACE FUNCTION rows_fit_1(
    c_context integer[], c_stream uuid[], x_view text[],
    r_command integer[], r_view text[], r_doc jsonb[], r_search jsonb[]
) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN coalesce(
        cardinality(r_view) = cardinality(r_command)
        AND cardinality(r_doc) = cardinality(r_command)
        AND cardinality(r_search) = cardinality(r_command)
        AND (SELECT count(DISTINCT (r.command, r.view)) = count(*)
                    AND bool_and(coalesce(r.command BETWEEN 1 AND cardinality(c_stream)
                                          AND r.view <> x_view[c_context[r.command]], false))
               FROM unnest(r_command, r_view) AS r(command, view)),
        false);
END $$;
