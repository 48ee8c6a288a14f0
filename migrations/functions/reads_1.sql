-- Reads that one server plans as a single statement, and Citus refuses: there, each partition or stream is
-- asked for on its own. (The plain forms are taken into the statements that call them.)

-- The first event of each stream, and the last one up to its version; `number`: which of the streams.
CREATE OR REPLACE FUNCTION read_ends_1(p_partitions integer[], p_streams uuid[], p_versions bigint[])
RETURNS TABLE (
    partition integer, notification_id bigint, originator_id uuid, originator_version bigint,
    topic text, state bytea, event_id uuid, recorded_at timestamptz, actor text, wrapped bytea,
    number bigint
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, wanted.number
  FROM unnest(p_partitions, p_streams, p_versions)
       WITH ORDINALITY AS wanted(partition, stream, version, number)
 CROSS JOIN LATERAL (
           (SELECT *
              FROM recorded_event AS s
             WHERE s.partition = wanted.partition
               AND s.originator_id = wanted.stream
             ORDER BY s.originator_version
             LIMIT 1)
            UNION ALL
           (SELECT *
              FROM recorded_event AS s
             WHERE s.partition = wanted.partition
               AND s.originator_id = wanted.stream
               AND s.originator_version > 1
               AND s.originator_version <= wanted.version
             ORDER BY s.originator_version DESC
             LIMIT 1)
       ) AS e
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM unnest(p_partitions, p_streams, p_versions)
                      WITH ORDINALITY AS w(home, stream, upto, nth)
    LOOP
        RETURN QUERY
        SELECT s.partition, s.notification_id, s.originator_id, s.originator_version, s.topic, s.state,
               s.event_id, s.recorded_at, s.actor, s.wrapped, wanted.nth
          FROM recorded_event AS s
         WHERE s.partition = wanted.home
           AND s.originator_id = wanted.stream
         ORDER BY s.originator_version
         LIMIT 1;
        RETURN QUERY
        SELECT s.partition, s.notification_id, s.originator_id, s.originator_version, s.topic, s.state,
               s.event_id, s.recorded_at, s.actor, s.wrapped, wanted.nth
          FROM recorded_event AS s
         WHERE s.partition = wanted.home
           AND s.originator_id = wanted.stream
           AND s.originator_version > 1
           AND s.originator_version <= wanted.upto
         ORDER BY s.originator_version DESC
         LIMIT 1;
    END LOOP;
END $$;
-- end of distributed

-- The events of a stream with a name before a version, newest first, at most so many, among so many
-- versions. Each row has the version (`before`) at which the search began: the stream may end before
-- the given one. One row without an event if none is found.
CREATE OR REPLACE FUNCTION read_back_1(
    p_partition integer, p_stream uuid, p_topic text, p_before bigint, p_most bigint, p_search bigint
) RETURNS TABLE (
    partition integer, notification_id bigint, originator_id uuid, originator_version bigint,
    topic text, state bytea, event_id uuid, recorded_at timestamptz, actor text, wrapped bytea,
    before bigint
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped, looked.before
  FROM (SELECT least(p_before, coalesce(1 + (SELECT s.originator_version
                                               FROM stored_events AS s
                                              WHERE s.partition = p_partition
                                                AND s.originator_id = p_stream
                                              ORDER BY s.originator_version DESC
                                              LIMIT 1), 1)) AS before) AS looked
  LEFT JOIN LATERAL (
           SELECT *
             FROM recorded_event AS s
            WHERE s.partition = p_partition
              AND s.originator_id = p_stream
              AND s.topic = p_topic
              AND s.originator_version < looked.before
              AND s.originator_version >= looked.before - p_search
            ORDER BY s.originator_version DESC
            LIMIT p_most
       ) AS e ON true
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    begun bigint;
BEGIN
    SELECT 1 + max(s.originator_version) INTO begun
      FROM stored_events AS s
     WHERE s.partition = p_partition
       AND s.originator_id = p_stream;
    begun := least(p_before, coalesce(begun, 1));
    RETURN QUERY
    SELECT s.partition, s.notification_id, s.originator_id, s.originator_version, s.topic, s.state,
           s.event_id, s.recorded_at, s.actor, s.wrapped, begun
      FROM recorded_event AS s
     WHERE s.partition = p_partition
       AND s.originator_id = p_stream
       AND s.topic = p_topic
       AND s.originator_version < begun
       AND s.originator_version >= begun - p_search
     ORDER BY s.originator_version DESC
     LIMIT p_most;
    IF NOT FOUND THEN
        before := begun;
        RETURN NEXT;
    END IF;
END $$;
-- end of distributed

-- For each partition the position of its last event up to a time; 0: there is none. (Times never run
-- backwards in a partition, so that halving finds it with the key of positions.)
CREATE OR REPLACE FUNCTION cut_at_1(p_at timestamptz)
RETURNS TABLE (partition integer, "position" bigint)
-- plain
LANGUAGE sql STABLE
AS $$
WITH RECURSIVE search(partition, low, high) AS (
    SELECT h.partition, CASE WHEN h.recorded_at <= p_at THEN h.position ELSE 0 END, h.position
      FROM log_partition AS h
     UNION ALL
    SELECT s.partition,
           CASE WHEN e.recorded_at <= p_at THEN s.middle ELSE s.low END,
           CASE WHEN e.recorded_at <= p_at THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.partition, r.low, r.high, (r.low + r.high + 1) / 2 AS middle
              FROM search AS r
             WHERE r.low < r.high) AS s
      LEFT JOIN LATERAL (
               SELECT t.recorded_at
                 FROM stored_events AS t
                WHERE t.partition = s.partition
                  AND t.notification_id = s.middle
                LIMIT 1
           ) AS e ON true
)
SELECT partition, low AS position
  FROM search
 WHERE low = high
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    low    bigint;
    high   bigint;
    middle bigint;
    at     timestamptz;
BEGIN
    FOR home IN 0 .. partitions_1() - 1 LOOP
        SELECT CASE WHEN h.recorded_at <= p_at THEN h.position ELSE 0 END, h.position INTO low, high
          FROM log_partition AS h
         WHERE h.partition = home;
        WHILE low < high LOOP
            middle := (low + high + 1) / 2;
            SELECT t.recorded_at INTO at
              FROM stored_events AS t
             WHERE t.partition = home
               AND t.notification_id = middle;
            IF at <= p_at THEN
                low := middle;
            ELSE
                high := middle - 1;
            END IF;
        END LOOP;
        partition := home;
        "position" := low;
        RETURN NEXT;
    END LOOP;
END $$;
-- end of distributed

-- How many events the log had at each of some times.
CREATE OR REPLACE FUNCTION counted_1(p_at timestamptz[])
RETURNS TABLE (number bigint, at timestamptz, events bigint)
-- plain
LANGUAGE sql STABLE
AS $$
WITH RECURSIVE search(number, at, partition, low, high) AS (
    SELECT m.number, m.at, h.partition,
           CASE WHEN h.recorded_at <= m.at THEN h.position ELSE 0 END, h.position
      FROM unnest(p_at) WITH ORDINALITY AS m(at, number)
     CROSS JOIN log_partition AS h
     UNION ALL
    SELECT s.number, s.at, s.partition,
           CASE WHEN e.recorded_at <= s.at THEN s.middle ELSE s.low END,
           CASE WHEN e.recorded_at <= s.at THEN s.high ELSE s.middle - 1 END
      FROM (SELECT r.number, r.at, r.partition, r.low, r.high, (r.low + r.high + 1) / 2 AS middle
              FROM search AS r
             WHERE r.low < r.high) AS s
      LEFT JOIN LATERAL (
               SELECT t.recorded_at
                 FROM stored_events AS t
                WHERE t.partition = s.partition
                  AND t.notification_id = s.middle
                LIMIT 1
           ) AS e ON true
)
SELECT s.number, s.at, sum(s.low)::bigint AS events
  FROM search AS s
 WHERE s.low = s.high
 GROUP BY s.number, s.at
$$;
-- end of plain
-- distributed
LANGUAGE sql STABLE
AS $$
SELECT m.number, m.at, sum(c.position)::bigint AS events
  FROM unnest(p_at) WITH ORDINALITY AS m(at, number)
 CROSS JOIN LATERAL cut_at_1(m.at) AS c
 GROUP BY m.number, m.at
$$;
-- end of distributed

-- Partitions that have events but no head.
CREATE OR REPLACE FUNCTION strays_1() RETURNS TABLE (partition integer, events bigint)
-- plain
LANGUAGE sql STABLE
AS $$
WITH RECURSIVE known AS (
    SELECT min(e.partition) AS partition
      FROM stored_events AS e
     UNION ALL
    SELECT (SELECT min(e.partition) FROM stored_events AS e WHERE e.partition > k.partition)
      FROM known AS k
     WHERE k.partition IS NOT NULL
)
SELECT k.partition,
       (SELECT count(*) FROM stored_events AS e WHERE e.partition = k.partition) AS events
  FROM known AS k
 WHERE k.partition IS NOT NULL
   AND NOT EXISTS (SELECT FROM log_partition AS h WHERE h.partition = k.partition)
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT e.partition, count(*) AS events
      FROM stored_events AS e
     WHERE e.partition NOT IN (SELECT h.partition FROM log_partition AS h)
     GROUP BY e.partition;
END $$;
-- end of distributed

-- Partitions that a view has rows of, but the log no head.
CREATE OR REPLACE FUNCTION stray_rows_1(p_view text) RETURNS TABLE (partition integer, rows bigint)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    -- plain
    RETURN QUERY EXECUTE format($stray$
        WITH RECURSIVE known AS (
            SELECT min(v.partition) AS partition
              FROM %1$I AS v
             UNION ALL
            SELECT (SELECT min(v.partition) FROM %1$I AS v WHERE v.partition > k.partition)
              FROM known AS k
             WHERE k.partition IS NOT NULL
        )
        SELECT k.partition, (SELECT count(*) FROM %1$I AS v WHERE v.partition = k.partition)
          FROM known AS k
         WHERE k.partition IS NOT NULL
           AND NOT EXISTS (SELECT FROM log_partition AS h WHERE h.partition = k.partition)
        $stray$, p_view);
    -- end of plain
    -- distributed
    RETURN QUERY EXECUTE format($stray$
        SELECT v.partition, count(*)
          FROM %1$I AS v
         WHERE v.partition NOT IN (SELECT h.partition FROM log_partition AS h)
         GROUP BY v.partition
        $stray$, p_view);
    -- end of distributed
END $$;

-- Some streams whose rows in versions of views lack events, and the last version of each stream.
CREATE OR REPLACE FUNCTION behind_1(p_names text[], p_most bigint)
RETURNS TABLE (name text, partition integer, stream_id uuid, version bigint)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT b.name, b.partition, b.stream_id, s.version
  FROM (SELECT m.name, m.partition, m.stream_id
          FROM view_behind AS m
         WHERE m.name = ANY (p_names)
         LIMIT p_most) AS b
 CROSS JOIN LATERAL (
           SELECT e.originator_version AS version
             FROM stored_events AS e
            WHERE e.partition = b.partition
              AND e.originator_id = b.stream_id
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS s
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    mark record;
BEGIN
    FOR mark IN
        SELECT m.name, m.partition, m.stream_id
          FROM view_behind AS m
         WHERE m.name = ANY (p_names)
         LIMIT p_most
    LOOP
        RETURN QUERY
        SELECT mark.name, mark.partition, mark.stream_id, e.originator_version
          FROM stored_events AS e
         WHERE e.partition = mark.partition
           AND e.originator_id = mark.stream_id
         ORDER BY e.originator_version DESC
         LIMIT 1;
    END LOOP;
END $$;
-- end of distributed

-- Which versions of views lack events of more than so many streams.
CREATE OR REPLACE FUNCTION far_behind_1(p_names text[], p_streams bigint) RETURNS TABLE (name text)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT w.name
  FROM unnest(p_names) AS w(name)
 WHERE EXISTS (SELECT
                 FROM view_behind AS b
                WHERE b.name = w.name
               OFFSET p_streams)
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT b.name
      FROM view_behind AS b
     WHERE b.name = ANY (p_names)
     GROUP BY b.name
    HAVING count(*) > p_streams;
END $$;
-- end of distributed

-- Each partition with its head, its tree, the largest checkpoint that fits, and how old the first event
-- is that this does not cover; null: it covers all.
CREATE OR REPLACE FUNCTION uncovered_1() RETURNS TABLE (
    partition integer, head bigint, size bigint, frontier bytea, signed bigint, age_s float8
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT h.partition, h.position AS head, coalesce(t.size, 0) AS size,
       coalesce(t.frontier, '') AS frontier, coalesce(c.size, 0) AS signed,
       CASE WHEN h.position > coalesce(c.size, 0)
            THEN greatest(0, extract(epoch FROM clock_timestamp()
                                                - coalesce(e.recorded_at, h.recorded_at)))::float8
       END AS age_s
  FROM log_partition AS h
  LEFT JOIN tree AS t
    ON t.partition = h.partition
 CROSS JOIN LATERAL (SELECT max(k.size) AS size
                       FROM log_checkpoint AS k
                      WHERE k.partition = h.partition
                        AND k.unfit_since IS NULL) AS c
  LEFT JOIN stored_events AS e
    ON e.partition = h.partition
   AND e.notification_id = coalesce(c.size, 0) + 1
   AND isfinite(e.recorded_at)
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    covered bigint;
BEGIN
    FOR home IN 0 .. partitions_1() - 1 LOOP
        SELECT coalesce(max(k.size), 0) INTO covered
          FROM log_checkpoint AS k
         WHERE k.partition = home
           AND k.unfit_since IS NULL;
        RETURN QUERY
        SELECT h.partition, h.position, coalesce(t.size, 0), coalesce(t.frontier, ''), covered,
               CASE WHEN h.position > covered
                    THEN greatest(0, extract(epoch FROM clock_timestamp()
                                                        - coalesce(e.recorded_at,
                                                                   h.recorded_at)))::float8
               END
          FROM log_partition AS h
          LEFT JOIN tree AS t
            ON t.partition = h.partition
          LEFT JOIN stored_events AS e
            ON e.partition = h.partition
           AND e.notification_id = covered + 1
           AND isfinite(e.recorded_at)
         WHERE h.partition = home;
    END LOOP;
END $$;
-- end of distributed

-- The first and the last event of each stream; no row for one without events.
CREATE OR REPLACE FUNCTION stream_ends_1(p_partitions integer[], p_streams uuid[]) RETURNS TABLE (
    stream uuid, first_at timestamptz, last_at timestamptz, version bigint, "position" bigint,
    number bigint
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT wanted.stream, first.recorded_at AS first_at, last.recorded_at AS last_at,
       last.originator_version AS version, last.notification_id AS position, wanted.number
  FROM unnest(p_partitions, p_streams) WITH ORDINALITY AS wanted(partition, stream, number)
 CROSS JOIN LATERAL (
           SELECT e.recorded_at
             FROM stored_events AS e
            WHERE e.partition = wanted.partition
              AND e.originator_id = wanted.stream
            ORDER BY e.originator_version
            LIMIT 1
       ) AS first
 CROSS JOIN LATERAL (
           SELECT e.recorded_at, e.originator_version, e.notification_id
             FROM stored_events AS e
            WHERE e.partition = wanted.partition
              AND e.originator_id = wanted.stream
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS last
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM unnest(p_partitions, p_streams) WITH ORDINALITY AS w(home, stream, nth)
    LOOP
        RETURN QUERY
        SELECT wanted.stream,
               (SELECT e.recorded_at
                  FROM stored_events AS e
                 WHERE e.partition = wanted.home
                   AND e.originator_id = wanted.stream
                 ORDER BY e.originator_version
                 LIMIT 1),
               l.recorded_at, l.originator_version, l.notification_id, wanted.nth
          FROM stored_events AS l
         WHERE l.partition = wanted.home
           AND l.originator_id = wanted.stream
         ORDER BY l.originator_version DESC
         LIMIT 1;
    END LOOP;
END $$;
-- end of distributed

-- The first sessions after a stream (null: of all) that have each of some terms, from each partition at
-- most so many.
CREATE OR REPLACE FUNCTION people_found_1(p_terms bigint[], p_after uuid, p_most bigint)
RETURNS TABLE (stream uuid)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT f.stream_id AS stream
  FROM log_partition AS h
 CROSS JOIN LATERAL (
           SELECT t.stream_id
             FROM person_term AS t
            WHERE t.partition = h.partition
              AND t.term = p_terms[1]
              AND (p_after IS NULL OR t.stream_id > p_after)
              AND NOT EXISTS (SELECT
                                FROM unnest(p_terms[2:]) AS o(term)
                               WHERE NOT EXISTS (SELECT
                                                   FROM person_term AS u
                                                  WHERE u.partition = h.partition
                                                    AND u.term = o.term
                                                    AND u.stream_id = t.stream_id))
            ORDER BY t.stream_id
            LIMIT p_most
       ) AS f
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    FOR home IN 0 .. partitions_1() - 1 LOOP
        RETURN QUERY
        SELECT t.stream_id
          FROM person_term AS t
         WHERE t.partition = home
           AND t.term = p_terms[1]
           AND (p_after IS NULL OR t.stream_id > p_after)
           AND (SELECT count(DISTINCT u.term)
                  FROM person_term AS u
                 WHERE u.partition = home
                   AND u.stream_id = t.stream_id
                   AND u.term = ANY (p_terms)) = (SELECT count(DISTINCT o.term)
                                                    FROM unnest(p_terms) AS o(term))
         ORDER BY t.stream_id
         LIMIT p_most;
    END LOOP;
END $$;
-- end of distributed

-- The sessions that have each of some terms, the newest first, before a time and stream (null: from the
-- newest on), at most so many.
CREATE OR REPLACE FUNCTION newest_found_1(
    p_terms bigint[], p_time timestamptz, p_stream uuid, p_most bigint
) RETURNS TABLE (opened_at timestamptz, stream uuid)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT e.recorded_at AS opened_at, t.stream_id AS stream
  FROM log_partition AS h
  JOIN person_term AS t
    ON t.partition = h.partition
   AND t.term = p_terms[1]
 CROSS JOIN LATERAL (
           SELECT s.recorded_at
             FROM stored_events AS s
            WHERE s.partition = h.partition
              AND s.originator_id = t.stream_id
              AND s.originator_version = 1
            LIMIT 1
       ) AS e
 WHERE (p_stream IS NULL OR (e.recorded_at, t.stream_id) < (p_time, p_stream))
   AND NOT EXISTS (SELECT
                     FROM unnest(p_terms[2:]) AS o(term)
                    WHERE NOT EXISTS (SELECT
                                        FROM person_term AS u
                                       WHERE u.partition = h.partition
                                         AND u.term = o.term
                                         AND u.stream_id = t.stream_id))
 ORDER BY e.recorded_at DESC, t.stream_id DESC
 LIMIT p_most
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    FOR home IN 0 .. partitions_1() - 1 LOOP
        RETURN QUERY
        SELECT e.recorded_at, t.stream_id
          FROM person_term AS t
          JOIN stored_events AS e
            ON e.partition = home
           AND e.originator_id = t.stream_id
           AND e.originator_version = 1
         WHERE t.partition = home
           AND t.term = p_terms[1]
           AND (p_stream IS NULL OR (e.recorded_at, t.stream_id) < (p_time, p_stream))
           AND (SELECT count(DISTINCT u.term)
                  FROM person_term AS u
                 WHERE u.partition = home
                   AND u.stream_id = t.stream_id
                   AND u.term = ANY (p_terms)) = (SELECT count(DISTINCT o.term)
                                                    FROM unnest(p_terms) AS o(term))
         ORDER BY e.recorded_at DESC, t.stream_id DESC
         LIMIT p_most;
    END LOOP;
END $$;
-- end of distributed

-- What was counted for accounts and days, newest days first, at most so many rows. Null stands for no
-- bound of the days, and for all accounts.
CREATE OR REPLACE FUNCTION activity_read_1(p_since date, p_until date, p_account text, p_most bigint)
RETURNS TABLE (
    account_id text, day date, opened bigint, changed bigint, closed bigint, actors bigint
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT a.account_id, a.day, sum(a.opened)::bigint AS opened, sum(a.changed)::bigint AS changed,
       sum(a.closed)::bigint AS closed,
       (SELECT count(DISTINCT x.actor)
          FROM activity_actor AS x
         WHERE x.account_id = a.account_id
           AND x.day = a.day
           AND x.partition IN (SELECT partition FROM log_partition)) AS actors
  FROM activity AS a
 WHERE (p_since IS NULL OR a.day >= p_since)
   AND (p_until IS NULL OR a.day <= p_until)
   AND (p_account IS NULL OR a.account_id = p_account)
 GROUP BY a.account_id, a.day
 ORDER BY a.day DESC, a.account_id
 LIMIT p_most
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    a record;
BEGIN
    FOR a IN
        SELECT c.account_id, c.day, sum(c.opened)::bigint AS opened,
               sum(c.changed)::bigint AS changed, sum(c.closed)::bigint AS closed
          FROM activity AS c
         WHERE (p_since IS NULL OR c.day >= p_since)
           AND (p_until IS NULL OR c.day <= p_until)
           AND (p_account IS NULL OR c.account_id = p_account)
         GROUP BY c.account_id, c.day
         ORDER BY c.day DESC, c.account_id
         LIMIT p_most
    LOOP
        RETURN QUERY
        SELECT a.account_id, a.day, a.opened, a.changed, a.closed, count(DISTINCT x.actor)
          FROM activity_actor AS x
         WHERE x.account_id = a.account_id
           AND x.day = a.day;
    END LOOP;
END $$;
-- end of distributed

-- Lets nobody append until the end of the transaction; the ends of all partitions.
CREATE OR REPLACE FUNCTION lock_heads_1() RETURNS TABLE (partition integer, "position" bigint)
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    FOR home IN 0 .. partitions_1() - 1 LOOP
        RETURN QUERY
        SELECT h.partition, h.position
          FROM log_partition AS h
         WHERE h.partition = home
           FOR UPDATE;
    END LOOP;
END $$;

-- Keeps a follower where it is until the end of the transaction.
CREATE OR REPLACE FUNCTION lock_place_1(p_follower text) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    FOR home IN 0 .. partitions_1() - 1 LOOP
        PERFORM
           FROM follower_checkpoint AS f
          WHERE f.partition = home
            AND f.name = p_follower
            FOR UPDATE;
    END LOOP;
END $$;

-- Puts a fresh table where another one is.
CREATE OR REPLACE FUNCTION place_1(p_fresh text, p_live text) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    -- distributed
    -- (A log that came to another server may have plain tables under this form.)
    IF to_regclass('pg_dist_partition') IS NULL THEN
        RETURN;
    END IF;
    CASE (SELECT t.partmethod FROM pg_dist_partition AS t WHERE t.logicalrelid = to_regclass(p_live))
    WHEN 'h' THEN
        PERFORM create_distributed_table(to_regclass(p_fresh), 'partition', colocate_with := p_live);
    WHEN 'n' THEN
        PERFORM create_reference_table(to_regclass(p_fresh));
    ELSE
        NULL;
    END CASE;
    -- end of distributed
END $$;

-- Rows of a fresh table that may differ from those of a live one, after a stream of a partition, at most so
-- many: whether each does.
CREATE OR REPLACE FUNCTION differing_1(
    p_live text, p_fresh text, p_partition integer, p_after uuid, p_most bigint
) RETURNS TABLE (partition integer, stream_id uuid, differs boolean)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
-- distributed
DECLARE
    doubt record;
-- end of distributed
BEGIN
    -- plain
    RETURN QUERY EXECUTE format($differing$
        SELECT d.partition, d.stream_id, f IS DISTINCT FROM l AS differs
          FROM (SELECT t.partition, t.stream_id
                  FROM rebuild_doubt AS t
                 WHERE t.view = $1
                   AND (t.partition, t.stream_id) > ($2, $3)
                 ORDER BY t.partition, t.stream_id
                 LIMIT $4) AS d
          LEFT JOIN %I AS f
            ON f.partition = d.partition
           AND f.stream_id = d.stream_id
          LEFT JOIN %I AS l
            ON l.partition = d.partition
           AND l.stream_id = d.stream_id
        $differing$, p_fresh, p_live)
      USING p_live, p_partition, p_after, p_most;
    -- end of plain
    -- distributed
    -- (Joined with a table of one node, whole rows of distributed tables would be compared as empty.)
    FOR doubt IN
        SELECT t.partition AS home, t.stream_id AS stream
          FROM rebuild_doubt AS t
         WHERE t.view = p_live
           AND (t.partition, t.stream_id) > (p_partition, p_after)
         ORDER BY t.partition, t.stream_id
         LIMIT p_most
    LOOP
        RETURN QUERY EXECUTE format($differing$
            SELECT $1, $2, (SELECT f FROM %I AS f WHERE f.partition = $1 AND f.stream_id = $2)
                           IS DISTINCT FROM
                           (SELECT l FROM %I AS l WHERE l.partition = $1 AND l.stream_id = $2)
            $differing$, p_fresh, p_live)
          USING doubt.home, doubt.stream;
    END LOOP;
    -- end of distributed
END $$;

-- for each view
-- The rows of streams, which are empty for a stream without one. (An index has equal keys in the order of
-- their rows on disk, with the newest version last. So a backward scan meets it first, however many
-- old versions a long snapshot keeps. The keys are compared as a row, since no other index supports
-- that: with statistics that count no rows, the planner could choose any index.)
CREATE OR REPLACE FUNCTION look_up_{view}_1(p_partitions integer[], p_streams uuid[])
RETURNS TABLE (
    stream uuid, partition integer, version bigint, "position" bigint, created_by text,
    created_at timestamptz, modified_by text, modified_at timestamptz, doc jsonb, account_name text
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT wanted.stream, wanted.partition, v.version, v.position,
       v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
       CASE WHEN '{view}' LIKE 'ai\_session\_info%' THEN
           (SELECT i.name FROM account_info AS i WHERE i.account_id = v.doc ->> 'account_id' LIMIT 1)
       END AS account_name
  FROM unnest(p_partitions, p_streams) AS wanted(partition, stream)
  LEFT JOIN LATERAL (
           SELECT *
             FROM {view} AS r
            WHERE (r.partition, r.stream_id) <= (wanted.partition, wanted.stream)
              AND (r.partition, r.stream_id) >= (wanted.partition, wanted.stream)
            ORDER BY r.partition DESC, r.stream_id DESC
            LIMIT 1
       ) AS v ON true
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM unnest(p_partitions, p_streams) AS w(home, stream_id)
    LOOP
        RETURN QUERY
        SELECT r.stream_id, r.partition, r.version, r.position,
               r.created_by, r.created_at, r.modified_by, r.modified_at, r.doc,
               CASE WHEN '{view}' LIKE 'ai\_session\_info%' THEN
                   (SELECT i.name FROM account_info AS i WHERE i.account_id = r.doc ->> 'account_id')
               END
          FROM {view} AS r
         WHERE r.partition = wanted.home
           AND r.stream_id = wanted.stream_id;
        IF NOT FOUND THEN
            RETURN QUERY SELECT wanted.stream_id, wanted.home, NULL::bigint, NULL::bigint, NULL::text,
                                NULL::timestamptz, NULL::text, NULL::timestamptz, NULL::jsonb, NULL::text;
        END IF;
    END LOOP;
END $$;
-- end of distributed

-- The same, with the last event and the key of each stream, all of one moment.
CREATE OR REPLACE FUNCTION load_{view}_1(p_partitions integer[], p_streams uuid[])
RETURNS TABLE (
    stream uuid, partition integer, version bigint, "position" bigint, created_by text,
    created_at timestamptz, modified_by text, modified_at timestamptz, doc jsonb,
    last_version bigint, last uuid, wrapped bytea
)
-- plain
LANGUAGE sql STABLE
AS $$
SELECT wanted.stream, wanted.partition, v.version, v.position,
       v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
       s.originator_version AS last_version, s.event_id AS last, k.wrapped
  FROM unnest(p_partitions, p_streams) AS wanted(partition, stream)
  LEFT JOIN LATERAL (
           SELECT *
             FROM {view} AS r
            WHERE (r.partition, r.stream_id) <= (wanted.partition, wanted.stream)
              AND (r.partition, r.stream_id) >= (wanted.partition, wanted.stream)
            ORDER BY r.partition DESC, r.stream_id DESC
            LIMIT 1
       ) AS v ON true
  LEFT JOIN LATERAL (
           SELECT e.originator_version, e.event_id
             FROM stored_events AS e
            WHERE e.partition = wanted.partition
              AND e.originator_id = wanted.stream
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS s ON true
  -- (LIMIT 1 keeps it one probe of the index for each stream.)
  LEFT JOIN LATERAL (
           SELECT y.wrapped
             FROM stream_key AS y
            WHERE y.partition = wanted.partition
              AND y.stream_id = wanted.stream
            LIMIT 1
       ) AS k ON true
$$;
-- end of plain
-- distributed
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM unnest(p_partitions, p_streams) AS w(home, stream)
    LOOP
        RETURN QUERY
        SELECT wanted.stream, wanted.home, v.version, v.position,
               v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
               s.originator_version, s.event_id, k.wrapped
          FROM log_partition AS h
          LEFT JOIN {view} AS v
            ON v.partition = wanted.home
           AND v.stream_id = wanted.stream
          LEFT JOIN LATERAL (
                   SELECT e.originator_version, e.event_id
                     FROM stored_events AS e
                    WHERE e.partition = wanted.home
                      AND e.originator_id = wanted.stream
                    ORDER BY e.originator_version DESC
                    LIMIT 1
               ) AS s ON true
          LEFT JOIN stream_key AS k
            ON k.partition = wanted.home
           AND k.stream_id = wanted.stream
         WHERE h.partition = wanted.home;
    END LOOP;
END $$;
-- end of distributed

-- end
