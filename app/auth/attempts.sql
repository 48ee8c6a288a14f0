-- name: count
-- a count each: $1 what   $2 stream of the name   $3 address   $4 keyed hash of the name
-- $5 how often   $6 operations, or reasons: a line each
INSERT INTO refusal AS r (what, stream_id, address, name_hash, count, details)
SELECT g.what, g.stream, g.address, g.name_hash, g.count, string_to_array(g.details, E'\n')
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[])
       AS g(what, stream, address, name_hash, count, details)
    ON CONFLICT (what, stream_id, address) DO UPDATE
   SET count = r.count + excluded.count,
       name_hash = excluded.name_hash,
       details = CASE r.count WHEN 0 THEN excluded.details
                              ELSE (r.details || excluded.details)[:10] END;

-- name: due
-- $1 seconds between two events   $2 most rows; takes what is to be written as events, so that
-- nobody else writes it, and forgets what was quiet for long
WITH due AS (
    SELECT r.what, r.stream_id, r.address, r.count
      FROM refusal AS r
     WHERE r.count > 0
       AND (r.written_at IS NULL OR r.written_at <= clock_timestamp() - make_interval(secs => $1))
     ORDER BY r.what, r.stream_id, r.address
     LIMIT $2
       FOR UPDATE SKIP LOCKED
), quiet AS (
    DELETE FROM refusal AS q
     WHERE q.count = 0
       AND q.written_at < clock_timestamp() - make_interval(secs => $1 * 5)
)
UPDATE refusal AS r
   SET count = 0,
       written_at = clock_timestamp()
  FROM due
 WHERE r.what = due.what
   AND r.stream_id = due.stream_id
   AND r.address = due.address
RETURNING r.what, r.stream_id, r.address, r.name_hash, due.count, r.details;
