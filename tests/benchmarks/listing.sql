-- name: fill
-- $1 rows; chat sessions of all states, requested a minute after one another
INSERT INTO chat_session_entity
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, gen_random_uuid(), 1, n, 'bench', at, 'bench', at,
       jsonb_build_object(
           'chat_session_id', n,
           'topic_id', n % 7,
           'status', (ARRAY['InQueue', 'UserLast', 'CustomerLast', 'Closed', 'Finished'])[n % 5 + 1],
           'rating', n % 6,
           'first_message', 'Where is order number ' || n || '?',
           'when_requested', to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
       jsonb_build_object(
           'when_requested', ((extract(epoch FROM at) + 62135596800) * 10000000)::bigint)
  FROM generate_series(1, $1::integer) AS n
 CROSS JOIN LATERAL (
           SELECT TIMESTAMPTZ '2020-01-01Z' + n * INTERVAL '1 minute' AS at
       ) AS moment;

-- name: settle
VACUUM ANALYZE chat_session_entity;
