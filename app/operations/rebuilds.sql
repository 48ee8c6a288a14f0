-- name: rebuilds
-- $1 id; null: all   $2 rebuilds, at most; the newest first   $3 whether only unfinished ones
-- How far it is stands in its ranges, which another rebuild removes when it begins.
WITH held AS MATERIALIZED (
    SELECT held_1('sessionary views') AS is_worked_on, held_1('sessionary operator') AS operator_runs
)
SELECT r.id, r.kind, r.views, r.stream, r.dry_run, r.state, r.asked, r.for_operator, r.unfinished, r.phase, r.failure,
       r.outcome, r.begun_at, r.changed_at, f.events, f.total,
       CASE WHEN r.state = 'running' AND (r.phase = 'scan' OR r.kind = 'refill')
                 AND f.events > r.run_events
            THEN (f.events - r.run_events)
                 / greatest(extract(epoch FROM clock_timestamp() - r.run_at), 0.001)::float8
       END AS rate,
       held.is_worked_on, held.operator_runs,
       (SELECT jsonb_agg(jsonb_build_object('what', a.what, 'by', a.asked_by, 'at', a.asked_at,
                                            'requestId', a.request_id) ORDER BY a.number)
          FROM rebuild_ask AS a
         WHERE a.rebuild = r.id) AS asks
  FROM rebuild AS r
 CROSS JOIN held
 CROSS JOIN LATERAL (
           SELECT sum(p.events)::bigint AS events, sum(p.until)::bigint AS total
             FROM (SELECT g.partition, sum(g.events) AS events, max(g.until) AS until
                     FROM rebuild_range AS g
                    WHERE g.rebuild = r.id
                    GROUP BY g.partition) AS p
       ) AS f
 WHERE r.id = coalesce($1, r.id)
   AND (r.unfinished OR NOT $3)
 ORDER BY r.begun_at DESC, r.id
 LIMIT $2;

-- name: neglected
-- $1 seconds; what has waited for so long although an operator process would carry it out
SELECT r.id, r.kind, r.views, extract(epoch FROM clock_timestamp() - r.changed_at)::float8 AS waits_s
  FROM rebuild AS r
 WHERE r.unfinished
   AND r.changed_at < clock_timestamp() - make_interval(secs => $1)
   AND (r.for_operator AND r.asked IS NULL OR r.asked = 'cancel')
   AND NOT pg_is_in_recovery()
   AND NOT held_1('sessionary operator')
   AND NOT held_1('sessionary views')
 ORDER BY r.begun_at, r.id;

-- name: kept
-- The views whose former tables or versions are kept, for the way back.
SELECT view FROM view_kept
 UNION
SELECT view FROM view_version WHERE NOT is_live;
