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
