-- Read views. Each has the same envelope, which the append fills, and a document, which the fold
-- gives. Columns to filter and order by are generated from the document, and from `search`, in which
-- is what the document does not say as plainly; null where there is nothing of the kind. (Why the
-- first index of each is not a unique one is said in `0001_log.sql`.)

-- Indexes are unnamed: a rebuilt table's get their names by the same rule.

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

-- Lists of sessions, page by page, in the order of their creation: of all, and of an account.
-- Two, and no more: every new session is written to each. Neither has what a change of a session
-- changes (who changed it last and when, the document), so that a change touches no index.
-- What is ordered by something else is sorted when it is asked for.
CREATE INDEX ON ai_session_info (created_at, stream_id);
CREATE INDEX ON ai_session_info (account_id, created_at, stream_id)
 WHERE account_id IS NOT NULL;

-- Date-times are in units of 100 ns since 0001-01-01 UTC, and null where they are not set: `search`
-- has them so, by column.
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

-- As the queue and the sweeper look for them. Partial, so that most sessions are in none of them:
-- they have ended.
CREATE INDEX ON chat_session_entity (when_requested, chat_session_id)
 WHERE status = 'InQueue';
CREATE INDEX ON chat_session_entity (user_associate_id)
 WHERE status IN ('CustomerLast', 'UserLast');
CREATE INDEX ON chat_session_entity (watched)
 WHERE watched IS NOT NULL;

-- Lists of chat sessions: by number, in the order they were requested, those of a status in that
-- order, those of a person and of a company.
-- Three that every session is in, and no more: each is written with every new session. What is
-- ordered by something else is sorted when it is asked for. Of what a message changes, only the
-- status is in one of them.
-- A session that was never requested comes first, at the date-time that stands for none.
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
    -- (Not "C", which knows no case but ASCII's: it is only carried along in an index.)
    name        text             GENERATED ALWAYS AS (doc ->> 'name') STORED
);
ALTER TABLE account_info REPLICA IDENTITY FULL;
CREATE INDEX ON account_info (partition, stream_id);
CREATE INDEX ON account_info (account_id) INCLUDE (name);
