-- Chat sessions as lists, the queue and the sweeper look for them; agents get their number.

-- Date-times are in units of 100 ns since 0001-01-01 UTC, and null where they are not set: the
-- document has them so under `search`. A rebuild of chat_session_entity fills older rows.
ALTER TABLE chat_session_entity
    ADD COLUMN status            text    GENERATED ALWAYS AS (doc ->> 'status') STORED,
    ADD COLUMN topic_id          integer GENERATED ALWAYS AS ((doc ->> 'topic_id')::integer) STORED,
    ADD COLUMN user_associate_id integer
        GENERATED ALWAYS AS ((doc #>> '{user,AssociateId}')::integer) STORED,
    ADD COLUMN person_id         integer
        GENERATED ALWAYS AS ((doc #>> '{person,PersonId}')::integer) STORED,
    ADD COLUMN contact_id        integer
        GENERATED ALWAYS AS ((doc #>> '{contact,ContactId}')::integer) STORED,
    ADD COLUMN when_requested    bigint
        GENERATED ALWAYS AS ((doc #>> '{search,when_requested}')::bigint) STORED,
    ADD COLUMN when_started      bigint
        GENERATED ALWAYS AS ((doc #>> '{search,when_started}')::bigint) STORED,
    ADD COLUMN when_ended        bigint
        GENERATED ALWAYS AS ((doc #>> '{search,when_ended}')::bigint) STORED,
    ADD COLUMN rating            integer GENERATED ALWAYS AS ((doc ->> 'rating')::integer) STORED,
    ADD COLUMN rank              integer GENERATED ALWAYS AS ((doc ->> 'rank')::integer) STORED,
    ADD COLUMN watched           bigint
        GENERATED ALWAYS AS ((doc #>> '{search,watched}')::bigint) STORED;
COMMENT ON COLUMN chat_session_entity.watched IS
    'When the customer of an open session fetched it last, as the service saw it.';

-- Partial, so that most sessions are in none of them: they have ended.
-- Unnamed: a rebuilt table's indexes get their names by the same rule.
CREATE INDEX ON chat_session_entity (when_requested, chat_session_id)
 WHERE status = 'InQueue';
CREATE INDEX ON chat_session_entity (user_associate_id)
 WHERE status IN ('CustomerLast', 'UserLast');
CREATE INDEX ON chat_session_entity (watched)
 WHERE watched IS NOT NULL;

-- Numbers of chat messages: int32, as the API shows them.
CREATE SEQUENCE chat_message_number AS integer;
GRANT USAGE ON SEQUENCE chat_message_number TO sessionary_service;

-- The number under which the API knows a principal as an agent.
ALTER TABLE principal
    ADD COLUMN associate_id integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE;

-- What one process at a time does for all.
CREATE TABLE lease (
    name   text        PRIMARY KEY,
    holder uuid        NOT NULL,
    until  timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON lease TO sessionary_service;
