-- Read views. All have the same envelope, which the append fills, and a document, which the fold
-- gives. Columns to filter and order by are generated from the document and from `search`. The
-- latter holds values that the document does not hold as plainly; it is null if it has no such
-- value. (`0001_log.sql` says why the first index of each table is not unique.)
-- What admits its bearer somewhere (a chat session's key) is null in the document, whose member
-- `sealed` holds it encrypted: neither a dump nor a reader of the table sees it.

-- Indexes have no explicit names: a rebuilt table's indexes get their names by the same rule.

CREATE TABLE ai_session_info (
    partition   integer          NOT NULL,
    stream_id   uuid             NOT NULL,
    version     bigint           NOT NULL,
    position    bigint           NOT NULL,
    created_by  text             NOT NULL,
    created_at  timestamptz      NOT NULL,
    modified_by text             NOT NULL,
    modified_at timestamptz      NOT NULL,
    doc         jsonb            NOT NULL,
    search      jsonb,
    account_id  text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'account_id') STORED
) WITH (fillfactor = 80);
ALTER TABLE ai_session_info REPLICA IDENTITY FULL;
CREATE INDEX ON ai_session_info (partition, stream_id);

-- Lists of sessions, page by page, in the order of creation: all sessions, and one account's.
-- There are only these two, since every new session is written to each. Neither index has a column
-- that a change writes (the last actor and time, the document), so a change touches no index.
-- A list in any other order is sorted on request.
CREATE INDEX ON ai_session_info (created_at, stream_id);
CREATE INDEX ON ai_session_info (account_id, created_at, stream_id)
 WHERE account_id IS NOT NULL;

-- Date-times are in units of 100 ns since 0001-01-01 UTC, and null if not set; `search` holds them
-- in this form, by column.
CREATE TABLE chat_session_entity (
    partition         integer          NOT NULL,
    stream_id         uuid             NOT NULL,
    version           bigint           NOT NULL,
    position          bigint           NOT NULL,
    created_by        text             NOT NULL,
    created_at        timestamptz      NOT NULL,
    modified_by       text             NOT NULL,
    modified_at       timestamptz      NOT NULL,
    doc               jsonb            NOT NULL,
    search            jsonb,
    chat_session_id   integer
        GENERATED ALWAYS AS ((doc ->> 'chat_session_id')::integer) STORED,
    status            text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'status') STORED,
    topic_id          integer GENERATED ALWAYS AS ((doc ->> 'topic_id')::integer) STORED,
    user_associate_id integer
        GENERATED ALWAYS AS ((doc #>> '{user,AssociateId}')::integer) STORED,
    person_id         integer
        GENERATED ALWAYS AS ((doc #>> '{person,PersonId}')::integer) STORED,
    contact_id        integer
        GENERATED ALWAYS AS ((doc #>> '{contact,ContactId}')::integer) STORED,
    when_requested    bigint
        GENERATED ALWAYS AS ((search ->> 'when_requested')::bigint) STORED,
    when_started      bigint
        GENERATED ALWAYS AS ((search ->> 'when_started')::bigint) STORED,
    when_ended        bigint
        GENERATED ALWAYS AS ((search ->> 'when_ended')::bigint) STORED,
    rating            integer GENERATED ALWAYS AS ((doc ->> 'rating')::integer) STORED,
    rank              integer GENERATED ALWAYS AS ((doc ->> 'rank')::integer) STORED,
    watched           bigint
        GENERATED ALWAYS AS ((search ->> 'watched')::bigint) STORED
) WITH (fillfactor = 80);
ALTER TABLE chat_session_entity REPLICA IDENTITY FULL;
CREATE INDEX ON chat_session_entity (partition, stream_id);
COMMENT ON COLUMN chat_session_entity.watched IS
    'When the customer of an open session fetched it last, as the service saw it.';

-- Lookups of the queue and the sweeper. The indexes are partial, so most sessions are in none of
-- them: most have ended.
CREATE INDEX ON chat_session_entity (when_requested, chat_session_id)
 WHERE status = 'InQueue';
CREATE INDEX ON chat_session_entity (user_associate_id)
 WHERE status IN ('CustomerLast', 'UserLast');
CREATE INDEX ON chat_session_entity (watched)
 WHERE watched IS NOT NULL;

-- Lists of chat sessions: by number, by the time of request, by status and then that time, by
-- person, and by company.
-- Only three indexes hold every session, since each is written with every new session. A list in
-- any other order is sorted on request. Of the columns that a message changes, only the status is
-- in one of them.
-- A session that was never requested comes first, at 0, the date-time that is not set.
CREATE INDEX ON chat_session_entity (chat_session_id);
CREATE INDEX ON chat_session_entity (coalesce(when_requested, 0), chat_session_id);
CREATE INDEX ON chat_session_entity (status, coalesce(when_requested, 0), chat_session_id);
CREATE INDEX ON chat_session_entity (person_id)
 WHERE person_id IS NOT NULL;
CREATE INDEX ON chat_session_entity (contact_id)
 WHERE contact_id IS NOT NULL;

CREATE TABLE account_info (
    partition   integer          NOT NULL,
    stream_id   uuid             NOT NULL,
    version     bigint           NOT NULL,
    position    bigint           NOT NULL,
    created_by  text             NOT NULL,
    created_at  timestamptz      NOT NULL,
    modified_by text             NOT NULL,
    modified_at timestamptz      NOT NULL,
    doc         jsonb            NOT NULL,
    search      jsonb,
    account_id  text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'account_id') STORED,
    -- (Not "C", which knows only the case of ASCII; an index merely carries this column along.)
    name        text             GENERATED ALWAYS AS (doc ->> 'name') STORED
);
ALTER TABLE account_info REPLICA IDENTITY FULL;
CREATE INDEX ON account_info (partition, stream_id);
CREATE INDEX ON account_info (account_id) INCLUDE (name);

CREATE TABLE principal (
    partition    integer          NOT NULL,
    stream_id    uuid             NOT NULL,
    version      bigint           NOT NULL,
    position     bigint           NOT NULL,
    created_by   text             NOT NULL,
    created_at   timestamptz      NOT NULL,
    modified_by  text             NOT NULL,
    modified_at  timestamptz      NOT NULL,
    doc          jsonb            NOT NULL,
    search       jsonb,
    name         text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'name') STORED,
    -- The number by which the API knows a principal as an agent.
    associate_id integer GENERATED ALWAYS AS ((doc ->> 'associate_id')::integer) STORED
) WITH (fillfactor = 80);
ALTER TABLE principal REPLICA IDENTITY FULL;
CREATE INDEX ON principal (partition, stream_id);
CREATE INDEX ON principal (name);
CREATE INDEX ON principal (associate_id);
