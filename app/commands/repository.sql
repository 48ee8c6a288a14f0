-- name: load
-- {view}   $1 partitions, $2 streams: of equal length; returns a row for each
-- One statement, so that the view's row, the stream's last event and its key are of one moment.
-- (The keys are compared as a row, as in `look_up`: so the newest version of a row comes first.)
SELECT wanted.stream, wanted.partition, v.version, v.position,
       v.created_by, v.created_at, v.modified_by, v.modified_at, v.doc,
       s.originator_version AS last_version, s.event_id AS last, k.wrapped
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  LEFT JOIN LATERAL (
           SELECT *
             FROM {view} AS r
            WHERE (r.partition, r.stream_id) <= (wanted.partition, wanted.stream)
              AND (r.partition, r.stream_id) >= (wanted.partition, wanted.stream)
            ORDER BY r.partition DESC, r.stream_id DESC
            LIMIT 1
       ) AS v ON true
  LEFT JOIN LATERAL (
           SELECT e.originator_version, e.event_id
             FROM stored_events AS e
            WHERE e.partition = wanted.partition
              AND e.originator_id = wanted.stream
            ORDER BY e.originator_version DESC
            LIMIT 1
       ) AS s ON true
  -- (LIMIT 1 keeps it one probe of the index for each stream.)
  LEFT JOIN LATERAL (
           SELECT y.wrapped
             FROM stream_key AS y
            WHERE y.partition = wanted.partition
              AND y.stream_id = wanted.stream
            LIMIT 1
       ) AS k ON true;
