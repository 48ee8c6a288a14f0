-- name: all
-- All holds, by target.
SELECT h.target, h.doc ->> 'reason' AS reason, h.modified_by AS placed_by, h.modified_at AS placed_at
  FROM legal_hold AS h
 ORDER BY h.target;

-- name: on_targets
-- $1 targets
SELECT h.target, h.doc ->> 'reason' AS reason, h.modified_by AS placed_by, h.modified_at AS placed_at
  FROM legal_hold AS h
 WHERE h.target = ANY ($1::text[])
 ORDER BY h.target;

-- name: accounts
-- $1 partitions, $2 streams: of equal length
-- The first events of streams: they name the account.
SELECT e.originator_id AS stream, e.state
  FROM unnest($1::integer[], $2::uuid[]) AS wanted(partition, stream)
  JOIN stored_events AS e
    ON e.partition = wanted.partition
   AND e.originator_id = wanted.stream
   AND e.originator_version = 1;
