-- name: helpers
-- {rows}   {versions}
-- Versions of sessions, in the order of the log, which goes on for as many minutes as there are rows,
-- and begins a session each minute. Half of the sessions are as chats are: their versions are minutes
-- apart. Those of the others are spread over the rest of the log. At the end every tenth session is
-- deleted.
CREATE TABLE bench_version AS
SELECT v.n, v.version, row_number() OVER by_time AS position, v.minute
  FROM (SELECT n, version,
               CASE WHEN n % 2 = 0 THEN n + (ARRAY[0, 20, 80, 200])[version]
                    ELSE n + ({rows} - n) * (version - 1) / {versions}
               END AS minute
          FROM generate_series(1, {rows}) AS n, generate_series(1, {versions}) AS version) AS v
 WHERE v.minute <= {rows}
WINDOW by_time AS (ORDER BY v.minute, v.version, v.n);

CREATE TABLE bench_row AS
SELECT b.n, b.version, b.position,
       lead(b.position) OVER by_session AS until,
       CASE WHEN b.n % 10 = 5 THEN {rows} * {versions} + b.n END AS ended,
       TIMESTAMPTZ '2020-01-01Z' + b.n * INTERVAL '1 minute' AS created_at,
       TIMESTAMPTZ '2020-01-01Z' + b.minute * INTERVAL '1 minute' AS modified_at
  FROM bench_version AS b
WINDOW by_session AS (PARTITION BY b.n ORDER BY b.version);

-- name: indexes
-- $1 table; those besides its key
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index AS i
 WHERE i.indrelid = $1::text::regclass
   AND NOT i.indisprimary;

-- name: drop_index
-- {index}
DROP INDEX {index};

-- name: events
-- Those that the sessions were changed by.
SELECT max(position) AS events
  FROM ai_session_info_history;

-- name: chat_sessions
-- {rows}
INSERT INTO chat_session_entity_history
       (partition, stream_id, version, position, until, ended,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT 0, md5('chat' || e.n)::uuid, e.version, e.position,
       coalesce(e.until, e.ended, 9223372036854775807),
       CASE WHEN e.version = 1 THEN e.ended END,
       'bench', e.created_at, 'bench', e.modified_at,
       jsonb_build_object(
           'chat_session_id', e.n,
           'topic_id', e.n % 7,
           'person', jsonb_build_object('PersonId', e.n % ({rows} / 20 + 1)),
           'user', CASE WHEN e.version > 1
                   THEN jsonb_build_object('AssociateId', e.n / 2 % 20) END,
           'status', CASE WHEN e.n % 2 = 0
                     THEN (ARRAY['InQueue', 'UserLast', 'CustomerLast', 'Closed'])[e.version]
                     ELSE (ARRAY['RequestPosted', 'Closed', 'Finished', 'Closed'])[e.version] END,
           'rating', (e.n + e.version) % 6,
           'first_message', 'Where is order number ' || e.n || '?',
           'when_requested', to_char(e.created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
       jsonb_build_object(
           'when_requested', ((extract(epoch FROM e.created_at) + 62135596800) * 10000000)::bigint)
  FROM bench_row AS e
 ORDER BY e.position;

-- name: ai_sessions
INSERT INTO ai_session_info_history
       (partition, stream_id, version, position, until, ended,
        created_by, created_at, modified_by, modified_at, doc)
SELECT 0, md5('ai' || e.n)::uuid, e.version, e.position,
       coalesce(e.until, e.ended, 9223372036854775807),
       CASE WHEN e.version = 1 THEN e.ended END,
       'bench', e.created_at, 'bench', e.modified_at,
       jsonb_build_object(
           'account_id', 'a' || e.n % 1000,
           'purpose', 'purpose ' || e.version || ' of ' || e.n)
  FROM bench_row AS e
 ORDER BY e.position;

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

-- name: reach
INSERT INTO history_reach (partition, segment, created_at, chat_session_id, when_requested)
SELECT 0, r.segment, max(r.created_at) OVER upto, max(r.number) OVER upto, max(r.requested) OVER upto
  FROM (SELECT position / 512 AS segment, max(created_at) AS created_at,
               max(chat_session_id) AS number, max(when_requested) AS requested
          FROM chat_session_entity_history
         GROUP BY 1) AS r
WINDOW upto AS (ORDER BY r.segment);

-- name: present
-- {view}
INSERT INTO {view}
       (partition, stream_id, version, position,
        created_by, created_at, modified_by, modified_at, doc, search)
SELECT partition, stream_id, version, position,
       created_by, created_at, modified_by, modified_at, doc, search
  FROM {view}_history
 WHERE until = 9223372036854775807
 ORDER BY created_at;

-- name: settle
-- {view}
VACUUM ANALYZE {view}, {view}_history, history_reach;
