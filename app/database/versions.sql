-- name: kept
SELECT view, version, is_live
  FROM view_version
 ORDER BY view, version;

-- name: state
-- $1 names of a release's versions   $2 seconds   $3 events
-- Which of them went live within so many seconds; which ones have a history, followed on its own, that
-- lacks so many events; which ones have such a history; and whether another version is kept beside any of
-- them.
SELECT ARRAY(SELECT v.name
               FROM view_version AS v
              WHERE v.name = ANY ($1::text[])
                AND v.live_at > clock_timestamp() - make_interval(secs => $2)
                AND v.version > 1) AS fresh,
       ARRAY(SELECT v.name
               FROM view_version AS v
              CROSS JOIN log_partition AS h
               LEFT JOIN follower_checkpoint AS f
                 ON f.partition = h.partition
                AND f.name = 'history_' || v.name
              WHERE v.name = ANY ($1::text[])
              GROUP BY v.name
             HAVING sum(h.position - coalesce(f.position, 0)) > $3) AS unfollowed,
       ARRAY(SELECT v.name FROM view_version AS v WHERE v.name = ANY ($1::text[])) AS apart,
       EXISTS (SELECT 1
                 FROM view_version AS v
                 JOIN view_version AS o
                   ON o.view = v.view
                  AND o.version <> v.version
                WHERE v.name = ANY ($1::text[])) AS beside;

-- name: far_behind
-- $1 names of a release's versions   $2 streams; which of them lack events of so many
-- (Citus runs the statement above on a node if there is one partition: this function may not be there.)
SELECT b.name
  FROM far_behind_1($1::text[], $2) AS b;

-- name: go_live
-- $1 view   $2 version
SELECT go_live_1($1, $2);

-- name: drop_others
-- $1 view
SELECT drop_versions_1($1);

-- name: restore
-- $1 name of the version
SELECT restore_version_1($1);
