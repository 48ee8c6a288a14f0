-- name: edge
-- $1 partition; also whether the log has the tree's last event in its place
SELECT t.size, t.frontier,
       EXISTS (SELECT
                 FROM stored_events AS e
                WHERE e.partition = t.partition
                  AND e.notification_id = t.size
                  AND e.event_id = t.last_event) AS is_of_log
  FROM tree AS t
 WHERE t.partition = $1;

-- name: size
-- $1 partition
SELECT t.size
  FROM tree AS t
 WHERE t.partition = $1;

-- name: tiles
-- $1 partition   $2 levels, $3 numbers: of equal length
SELECT t.level, t.tile_index, t.hashes
  FROM unnest($2::integer[], $3::bigint[]) AS wanted(level, tile_index)
  JOIN tree_tile AS t
    ON t.partition = $1
   AND t.level = wanted.level
   AND t.tile_index = wanted.tile_index;
