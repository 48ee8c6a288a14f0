-- name: known
-- $1 partition   $2 stream
SELECT (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = $1
           AND k.stream_id = $2) AS wrapped,
       (SELECT max(s.originator_version)
          FROM stored_events AS s
         WHERE s.partition = $1
           AND s.originator_id = $2) AS version;

-- name: erasures
-- $1 partition   $2 stream   $3 stored name of the event
-- The stream's erasures so far, oldest first.
SELECT s.originator_version AS version, s.notification_id AS position, s.event_id, s.recorded_at,
       s.state
  FROM stored_events AS s
 WHERE s.partition = $1
   AND s.originator_id = $2
   AND s.topic = $3
 ORDER BY s.originator_version;

-- name: erase
-- $1 partition   $2 stream   $3 its keys before   $4 and after   $5 actor   $6 metadata   $7 views
-- $8 version that the stream must have   $9 the other views' documents, $10 search values; null: none
-- $11 stored name, $12 body, $13 id of the event   $14 check value of the master key
-- $15 names of holds that forbid it, $16 partitions of their streams
-- $17 terms, $18 positions by which the index finds calls of the stream: of equal length
SELECT e.position, e.version, e.recorded_at, $13::uuid AS event_id
  FROM erase_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
               $16, $17, $18) AS e;
