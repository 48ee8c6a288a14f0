-- name: apart
-- Versions of views whose histories have followers of their own.
SELECT name
  FROM view_version;

-- name: segments
-- $1 partition   $2 terms, $3 segments: of equal length
SELECT wanted.term, wanted.segment, i.positions
  FROM unnest($2::bigint[], $3::bigint[]) AS wanted(term, segment)
 CROSS JOIN LATERAL (
           SELECT e.positions
             FROM event_index AS e
            WHERE e.partition = $1
              AND e.term = wanted.term
              AND e.segment = wanted.segment
            LIMIT 1
       ) AS i;

-- name: to_forget
-- $1 partition   $2 after position   $3 up to position, of erasures
SELECT t.term, t.position
  FROM term_to_forget AS t
 WHERE t.partition = $1
   AND t.since > $2
   AND t.since <= $3;

-- name: write
-- $1 partition   $2 token   $3 after position   $4 up to position   $5 id of the event there
-- $6-$9 versions that end: views, streams, versions, positions at which they end
-- $10-$20 versions that begin: views, streams, versions, positions, ends or null, created by, at,
-- modified by, at, documents, search values   $21-$23 index: terms, segments, positions
-- $24-$27 quarantine: streams, versions, positions, errors   $28 follower
SELECT CASE WHEN follow_history_1($1, $28, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                                  $16, $17, $18, $19, $20, $21, $22, $23)
            THEN quarantine_1($1, $28, $24, $25, $26, $27)
            ELSE false
       END AS done;

-- name: redrive
-- $1 partition   $2 token   $3 reached   $4 stream   $5 position, $6 position, version and error of
-- the next event (as `redrive_1`)   $9-$26 as $6-$23 of `write`   $27 follower
SELECT redrive_history_1($1, $27, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                         $18, $19, $20, $21, $22, $23, $24, $25, $26) AS done;
