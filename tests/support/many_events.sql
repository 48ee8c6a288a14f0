-- name: events
-- $1 events, a multiple of 8, in one partition: AI sessions of accounts and chat sessions by turns, 4
-- events each, two streams at a time beside each other. Actors, clients and accounts are of all
-- frequencies: some have half of all events, some a few.
INSERT INTO stored_events (partition, originator_id, originator_version, topic, state,
                           notification_id, event_id, recorded_at, actor, metadata)
SELECT 0,
       (CASE WHEN e.is_chat THEN '00000000-0000-5000-8000-' ELSE '00000000-0000-7000-8000-' END
        || lpad(to_hex(e.number), 12, '0'))::uuid,
       e.version,
       CASE WHEN e.is_chat
            THEN CASE WHEN e.version = 1 THEN 'chat_session.created.v1'
                      ELSE (ARRAY['chat_session.updated.v1', 'chat_session.rated.v1',
                                  'chat_session.fetched.v1'])[e.version - 1] END
            ELSE CASE WHEN e.version = 1 THEN 'ai_session.created.v1'
                      ELSE 'ai_session.actions_cleared.v1' END END,
       convert_to(
           CASE WHEN e.is_chat
                THEN (ARRAY[format('{"chat_session_id":%s,"topic_id":3}', e.number),
                            '{"rank":7,"alert_level":2}', '{"rating":5}',
                            '{"when_fetched":"2026-11-21T10:00:00"}'])[e.version]
                WHEN e.version = 1 THEN format('{"account_id":"a%s"}', width(e.random1, 1000))
                ELSE '{}' END, 'UTF8'),
       e.position,
       ('01900000-0000-7000-8000-' || lpad(to_hex(e.position), 12, '0'))::uuid,
       '2026-11-21T00:00:00Z'::timestamptz + e.position * interval '10 ms',
       'actor' || width(e.random2, 1000),
       jsonb_build_object(
           'face', CASE WHEN e.is_chat THEN 'superoffice' ELSE 'evo' END,
           'operation', (CASE WHEN e.is_chat
                              THEN ARRAY['PostChatSessionEntity', 'PutChatSessionEntity',
                                         'PatchChatSessionEntity', 'GetChatMessages']
                              ELSE ARRAY['NewAISession', 'ClearAISessionActions',
                                         'ClearAISessionActions', 'ApplyAISession'] END)[e.version],
           'client', '192.0.2.' || width(e.random3, 250),
           'requestId', 'request-' || e.position / 2)
  FROM (SELECT p.position, p.position % 2 = 0 AS is_chat,
               (p.position - 1) / 8 + 1 AS number, ((p.position - 1) % 8 / 2 + 1)::integer AS version,
               random() AS random1, random() AS random2, random() AS random3
          FROM generate_series(1, $1::bigint) AS p(position)) AS e;

-- name: width
-- A number below $2, small ones far more often.
CREATE FUNCTION width(random double precision, count integer) RETURNS integer LANGUAGE sql
AS 'SELECT floor(pow(count + 1, random))::integer - 1';

-- name: head
-- $1 events
UPDATE log_partition
   SET position = $1, recorded_at = '2026-11-21T00:00:00Z'::timestamptz + $1 * interval '10 ms';

-- name: deep
-- $1 events of one AI session
INSERT INTO stored_events (partition, originator_id, originator_version, topic, state,
                           notification_id, event_id, recorded_at, actor, metadata)
SELECT 0, '00000000-0000-7000-8000-00000000000d', p.position,
       CASE WHEN p.position = 1 THEN 'ai_session.created.v1' ELSE 'ai_session.actions_cleared.v1' END,
       '{}', p.position,
       ('01900000-0000-7000-8000-' || lpad(to_hex(p.position), 12, '0'))::uuid,
       '2026-11-21T00:00:00Z'::timestamptz + p.position * interval '10 ms',
       'actor' || p.position % 3,
       jsonb_build_object('face', 'evo', 'operation', 'AI' || p.position % 10)
  FROM generate_series(1, $1::bigint) AS p(position);
