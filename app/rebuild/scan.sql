-- name: page
-- $1 partition   $2 after stream   $3 up to stream   $4 up to position   $5 events, at most
-- A row a stream, in order. Of its events, one a line: names, bodies, actors; `places`: their
-- positions and times, 8 bytes each, as a view's row has them. `whole`: no version is missing. The
-- last stream of a full page may have more events than these. (Events come sorted from the inner
-- statement, and keep that order. Joined texts cost PostgreSQL half as much as arrays.)
SELECT s.originator_id, s.topics, s.states, s.places, s.actors, s.events, s.whole, k.wrapped
  FROM (SELECT e.originator_id,
               string_agg(e.topic, E'\n') AS topics,
               string_agg(e.state, '\x0a') AS states,
               string_agg(int8send(e.notification_id) || timestamptz_send(e.recorded_at), '')
                   AS places,
               string_agg(e.actor, E'\n') AS actors,
               count(*) AS events,
               min(e.originator_version) = 1 AND max(e.originator_version) = count(*) AS whole
          FROM (SELECT l.originator_id, l.originator_version, l.topic, l.state, l.notification_id,
                       l.recorded_at, l.actor
                  FROM stored_events AS l
                 WHERE l.partition = $1
                   AND l.originator_id > $2
                   AND l.originator_id <= $3
                   AND l.notification_id <= $4
                 ORDER BY l.originator_id, l.originator_version
                 LIMIT $5) AS e
         GROUP BY e.originator_id
         ORDER BY e.originator_id) AS s
  LEFT JOIN (SELECT t.stream_id, t.wrapped
               FROM stream_key AS t
              WHERE t.partition = $1
                AND t.stream_id > $2
                AND t.stream_id <= $3
              ORDER BY t.stream_id) AS k
    ON k.stream_id = s.originator_id
 ORDER BY s.originator_id;

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
