-- name: is_distributed
SELECT EXISTS (SELECT
                 FROM log_setting AS s
                WHERE s.name = 'tables'
                  AND s.value = 'distributed') AS is_distributed;
