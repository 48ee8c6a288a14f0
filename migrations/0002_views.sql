-- Read views. Each has the same envelope, which the append fills, and a document, which the fold
-- gives; columns to search by are generated from the document.

CREATE TABLE ai_session_info (
    partition   integer     NOT NULL,
    stream_id   uuid        NOT NULL,
    version     bigint      NOT NULL,
    position    bigint      NOT NULL,
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    modified_by text        NOT NULL,
    modified_at timestamptz NOT NULL,
    doc         jsonb       NOT NULL,
    account_id  text        GENERATED ALWAYS AS (doc ->> 'account_id') STORED,
    PRIMARY KEY (partition, stream_id)
) WITH (fillfactor = 80);

CREATE TABLE chat_session_entity (
    partition       integer     NOT NULL,
    stream_id       uuid        NOT NULL,
    version         bigint      NOT NULL,
    position        bigint      NOT NULL,
    created_by      text        NOT NULL,
    created_at      timestamptz NOT NULL,
    modified_by     text        NOT NULL,
    modified_at     timestamptz NOT NULL,
    doc             jsonb       NOT NULL,
    chat_session_id integer     GENERATED ALWAYS AS ((doc ->> 'chat_session_id')::integer) STORED,
    PRIMARY KEY (partition, stream_id)
) WITH (fillfactor = 80);

CREATE TABLE account_info (
    partition   integer     NOT NULL,
    stream_id   uuid        NOT NULL,
    version     bigint      NOT NULL,
    position    bigint      NOT NULL,
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    modified_by text        NOT NULL,
    modified_at timestamptz NOT NULL,
    doc         jsonb       NOT NULL,
    account_id  text        GENERATED ALWAYS AS (doc ->> 'account_id') STORED,
    name        text        GENERATED ALWAYS AS (doc ->> 'name') STORED,
    PRIMARY KEY (partition, stream_id)
);
-- Unnamed: a rebuilt table's indexes get their names by the same rule.
CREATE INDEX ON account_info (account_id) INCLUDE (name);

-- Numbers of chat sessions: int32, as the API shows them.
CREATE SEQUENCE chat_session_number AS integer;
