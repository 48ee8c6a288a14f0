-- name: extent
-- $1 partition   $2 head; how many events there are up to the head, and the first one's position
SELECT count(*) AS events, min(e.notification_id) AS first
  FROM stored_events AS e
 WHERE e.partition = $1
   AND e.notification_id <= $2;

-- name: twice
-- $1 partition   $2 head; the first position up to the head at which there are several events
SELECT min(t.notification_id) AS position
  FROM (SELECT e.notification_id
          FROM stored_events AS e
         WHERE e.partition = $1
           AND e.notification_id <= $2
         GROUP BY e.notification_id
        HAVING count(*) > 1) AS t;
