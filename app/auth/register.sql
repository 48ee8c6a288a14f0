-- name: load
-- $1 partition   $2 stream; one row, of one moment
SELECT v.version, v.doc, s.originator_version AS last_version, s.event_id AS last,
       (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = $1
           AND k.stream_id = $2) AS wrapped
  FROM (VALUES (true)) AS one(row)
  LEFT JOIN LATERAL (
           SELECT p.version, p.doc
             FROM principal AS p
            WHERE (p.partition, p.stream_id) <= ($1::integer, $2::uuid)
              AND (p.partition, p.stream_id) >= ($1::integer, $2::uuid)
            ORDER BY p.partition DESC, p.stream_id DESC
            LIMIT 1
       ) AS v ON true
  LEFT JOIN LATERAL (
           SELECT e.originator_version, e.event_id
             FROM stored_events AS e
            WHERE e.partition = $1
              AND e.originator_id = $2
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS s ON true;

-- name: stream
-- $1 partition   $2 stream
SELECT topic, state
  FROM stored_events
 WHERE partition = $1
   AND originator_id = $2
 ORDER BY originator_version;

-- name: append
-- $1 partition   $2 actor   $3 metadata   $4 stream   $5 expected version
-- $6 id of the event at that version   $7 document of the view's row
-- $8 idempotency key   $9 fingerprint of the command; null: none
-- an event each: $10 topics   $11 states   $12 ids
-- $13 check value of the master key; null: not compared
-- $14 secret   $15 generation   $16 idle time of a sign-in   $17 limit of sign-ins; null: none
-- $18 wrapped new key of the stream   $19 address of the caller, sealed; null: none
SELECT a.outcome, a.version, a.position, a.recorded_at
  FROM append_principal_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                          $17, $18, $19) AS a;
