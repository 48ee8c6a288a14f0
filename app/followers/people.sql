-- name: write
-- $1 partition   $2 token   $3 after position   $4 up to position   $5 id of the event there
-- $6 streams of which personal data was erased   $7 terms, $8 streams: of equal length
-- $9-$12 quarantine: streams, versions, positions, errors
SELECT CASE WHEN follow_people_1($1, $2, $3, $4, $5, $6, $7, $8)
            THEN quarantine_1($1, 'people', $9, $10, $11, $12)
            ELSE false
       END AS done;

-- name: redrive
-- $1 partition   $2 token   $3 reached   $4 stream   $5 position, $6 position, version and error of
-- the next event (as `redrive_1`)   $9-$11 as $6-$8 of `write`
SELECT redrive_people_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS done;
