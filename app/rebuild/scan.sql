-- name: page
-- $1 partition   $2 after stream   $3 up to stream   $4 up to position   $5 events, at most
-- A row a stream, in order; `whole`: no version is missing. The last stream of a full page may have
-- more events than these. (Events come sorted from the inner statement, and keep that order.)
SELECT e.originator_id,
       array_agg(e.topic) AS topics,
       array_agg(e.state) AS states,
       max(e.originator_version) AS version,
       min(e.originator_version) = 1 AND max(e.originator_version) = count(*) AS whole,
       (array_agg(e.notification_id))[count(*)] AS position,
       (array_agg(e.recorded_at))[1] AS created_at,
       (array_agg(e.recorded_at))[count(*)] AS modified_at,
       (array_agg(e.actor))[1] AS created_by,
       (array_agg(e.actor))[count(*)] AS modified_by,
       (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = $1
           AND k.stream_id = e.originator_id
         LIMIT 1) AS wrapped
  FROM (SELECT s.originator_id, s.originator_version, s.topic, s.state, s.notification_id,
               s.recorded_at, s.actor
          FROM stored_events AS s
         WHERE s.partition = $1
           AND s.originator_id > $2
           AND s.originator_id <= $3
           AND s.notification_id <= $4
         ORDER BY s.originator_id, s.originator_version
         LIMIT $5) AS e
 GROUP BY e.originator_id
 ORDER BY e.originator_id;

-- name: events
-- $1 partition   $2 after stream   $3 after version in it   $4 up to stream   $5 up to position
-- $6 events, at most
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor, e.wrapped
  FROM recorded_event AS e
 WHERE e.partition = $1
   AND (e.originator_id, e.originator_version) > ($2, $3)
   AND e.originator_id <= $4
   AND e.notification_id <= $5
 ORDER BY e.originator_id, e.originator_version
 LIMIT $6;

-- name: lazily
-- A crash of the server may undo the last pages, with the knowledge that they were done.
SET synchronous_commit = off;
