-- name: accounts
-- $1 partition   $2 streams
-- The first events of streams: they name the account.
SELECT e.originator_id AS stream, e.state
  FROM unnest($2::uuid[]) AS wanted(stream)
  -- (LIMIT 1 keeps it one probe of the index for each stream.)
 CROSS JOIN LATERAL (
           SELECT *
             FROM stored_events AS s
            WHERE s.partition = $1
              AND s.originator_id = wanted.stream
              AND s.originator_version = 1
            LIMIT 1
       ) AS e;

-- name: write
-- $1 partition   $2 token   $3 after position   $4 up to position   $5 id of the event there
-- $6-$10 counts: accounts, days, opened, changed, closed   $11-$13 accounts, days, actors
-- $14-$17 quarantine: streams, versions, positions, errors
SELECT CASE WHEN follow_activity_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            THEN quarantine_1($1, 'activity', $14, $15, $16, $17)
            ELSE false
       END AS done;

-- name: redrive
-- $1 partition   $2 token   $3 reached   $4 stream   $5 position, $6 position, version and error of
-- the next event (as `redrive_1`)   $9-$16 as $6-$13 of `write`
SELECT redrive_activity_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                          $16) AS done;
