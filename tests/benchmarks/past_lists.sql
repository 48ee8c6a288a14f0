-- name: helpers
-- Versions of sessions, in the order of the log: all are made a minute after one another, then all
-- changed, time and again, so that the versions of a session lie far from each other. At the end
-- every tenth is deleted.
CREATE FUNCTION bench_version(rows integer, versions integer)
RETURNS TABLE (n integer, version integer, "position" bigint, until bigint, ended bigint,
               at timestamptz)
LANGUAGE sql AS $$
    SELECT (p.number - 1) % rows + 1,
           (p.number - 1) / rows + 1,
           p.number::bigint,
           CASE
           WHEN p.number <= rows * (versions - 1) OR p.number % 10 = 0
           THEN p.number::bigint + rows
           ELSE 9223372036854775807
           END,
           CASE
           WHEN p.number <= rows AND p.number % 10 = 0
           THEN p.number::bigint + rows * versions
           END,
           TIMESTAMPTZ '2020-01-01Z' + ((p.number - 1) % rows) * INTERVAL '1 minute'
      FROM generate_series(1, rows * versions) AS p(number)
$$;

-- name: chat_sessions
-- $1 rows   $2 versions
INSERT INTO chat_session_entity_history
       (partition, stream_id, version, position, until, ended,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, md5('chat' || e.n)::uuid, e.version, e.position, e.until, e.ended, 'bench', e.at, 'bench', e.at,
       jsonb_build_object(
           'chat_session_id', e.n,
           'topic_id', e.n % 7,
           'person', jsonb_build_object('PersonId', e.n % ($1 / 20 + 1)),
           'status', (ARRAY['InQueue', 'UserLast', 'CustomerLast', 'Closed', 'Finished'])
                     [(e.n + e.version) % 5 + 1],
           'rating', (e.n + e.version) % 6,
           'first_message', 'Where is order number ' || e.n || '?',
           'when_requested', to_char(e.at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
       jsonb_build_object(
           'when_requested', ((extract(epoch FROM e.at) + 62135596800) * 10000000)::bigint)
  FROM bench_version($1, $2) AS e;

-- name: ai_sessions
-- $1 rows   $2 versions
INSERT INTO ai_session_info_history
       (partition, stream_id, version, position, until, ended,
        created_by, created_at, modified_by, modified_at, doc)
SELECT 0, md5('ai' || e.n)::uuid, e.version, e.position, e.until, e.ended, 'bench', e.at, 'bench', e.at,
       jsonb_build_object(
           'account_id', 'a' || e.n % 1000,
           'purpose', 'purpose ' || e.version || ' of ' || e.n)
  FROM bench_version($1, $2) AS e;

-- name: accounts
-- A thousand, each renamed once; before the first session, as far as positions go.
INSERT INTO account_info_history
       (partition, stream_id, version, position, until, ended,
        created_by, created_at, modified_by, modified_at, doc)
SELECT 0, md5('account' || e.n)::uuid, e.version, e.version, e.until, NULL, 'bench', at, 'bench', at,
       jsonb_build_object('account_id', 'a' || e.n, 'name', 'Account ' || e.n)
  FROM (SELECT n, version, CASE version WHEN 1 THEN 2 ELSE 9223372036854775807 END AS until,
               TIMESTAMPTZ '2020-01-01Z' AS at
          FROM generate_series(0, 999) AS n, generate_series(1, 2) AS version) AS e;

-- name: present
-- {view}
INSERT INTO {view}
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT partition, stream_id, version, position,
       created_by, created_at, modified_by, modified_at, doc, search
  FROM {view}_history
 WHERE until = 9223372036854775807
 ORDER BY position;

-- name: settle
-- {view}
VACUUM ANALYZE {view}, {view}_history;
