-- name: progress
-- (There are ranges of the last rebuild only.)
SELECT v.name AS view, sum(g.events)::float8 AS events
  FROM rebuild_range AS g
  JOIN rebuild AS r
    ON r.id = g.rebuild
 CROSS JOIN LATERAL unnest(r.views) AS v(name)
 GROUP BY v.name
 ORDER BY v.name;
