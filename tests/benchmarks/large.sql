-- name: events
-- $1 position before the first   $2 events, a multiple of 4: sessions of 4 events each, of the size
-- that commands write
WITH appends AS (
    -- (Kinds would else be compared by a trigger for each event.)
    SELECT set_config('sessionary.appends', 'on', true)
)
INSERT INTO stored_events (partition, originator_id, originator_version, topic, state,
                           notification_id, event_id, recorded_at, actor, metadata)
SELECT 0,
       ('00000000-0000-7000-8000-' || lpad(to_hex((p.position + 3) / 4), 12, '0'))::uuid,
       (p.position - 1) % 4 + 1,
       CASE WHEN (p.position - 1) % 4 = 0 THEN 'ai_session.created.v1'
            ELSE 'ai_session.patched.v1' END,
       convert_to(rpad('{}', 142), 'UTF8'),
       $1 + p.position,
       ('00000000-0000-7000-8000-' || lpad(to_hex(p.position), 12, '0'))::uuid,
       h.recorded_at, 'admin', '{"face": "evo", "operation": "PatchAISession"}'
  FROM log_partition AS h
 CROSS JOIN appends
 CROSS JOIN generate_series(1, $2::bigint) AS p(position)
 WHERE h.partition = 0;

-- name: rows
-- $1 position before the first event   $2 events; the row of each session, with a document of a real
-- one
INSERT INTO ai_session_info
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, ('00000000-0000-7000-8000-' || lpad(to_hex(n.number), 12, '0'))::uuid, 4,
       $1 + n.number * 4, r.created_by, r.created_at, r.modified_by, r.modified_at, r.doc, r.search
  FROM (SELECT * FROM ai_session_info LIMIT 1) AS r
 CROSS JOIN generate_series(1, $2::bigint / 4) AS n(number);

-- name: head
-- $1 events more
UPDATE log_partition SET position = position + $1 WHERE partition = 0;

-- name: leased
-- $1 followers: somebody else holds their leases, so that none works beside what is measured
INSERT INTO lease AS l (name, holder, until, token)
SELECT 'follow_' || f.name, gen_random_uuid(), now() + interval '1 day', 1
  FROM unnest($1::text[]) AS f(name)
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, until = excluded.until, token = l.token + 1;

-- name: settle
VACUUM ANALYZE stored_events, ai_session_info;

-- name: position
SELECT position FROM log_partition WHERE partition = 0;

-- name: streams
-- $1 of so many sessions, some of any age
SELECT stream_id
  FROM ai_session_info TABLESAMPLE SYSTEM (50)
 ORDER BY random()
 LIMIT $1;
