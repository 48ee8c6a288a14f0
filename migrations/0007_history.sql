-- What followers of the log keep: each version of each view's row, so that lists can be read as of a
-- past moment, and an index of events. All of it can be made again from the log. Only the function of
-- a follower (`functions/follow_history_1.sql`) writes these tables.

-- How far each follower has come. Its function compares and moves the row in the transaction of what
-- it writes, so nothing is lost or doubled, whoever follows at the same time.
CREATE TABLE follower_checkpoint (
    partition integer          NOT NULL,
    name      text COLLATE "C" NOT NULL,
    position  bigint           NOT NULL,  -- of the last event that was taken up
    PRIMARY KEY (partition, name)
) WITH (fillfactor = 10);  -- each batch rewrites the row

-- Raised whenever a lease passes to another holder: a holder that lost it is recognised by it.
ALTER TABLE lease ADD COLUMN token bigint NOT NULL DEFAULT 0;

-- The versions of the views' rows. `position` is that of the event by which a version began, and
-- `until` that of the event that ended it, in the same partition. So a row was valid at position p
-- if position <= p AND until > p. A stream's last row has the default of `until`, unless the stream
-- was deleted or could not be folded any further.
-- The first row of a stream has in `ended` the position from which on the stream has no row; null: it
-- has one. With that, an index of first rows alone counts the streams that had a row at a position.
-- The indexes are those of the views' lists, each with the positions at which a version began and ended:
-- so the versions of a stream that were not valid at the moment are passed over in the index, and not
-- looked up. For that, ending a version costs an entry in each of its table's indexes.

CREATE TABLE ai_session_info_history (
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
    until       bigint           NOT NULL DEFAULT 9223372036854775807,
    ended       bigint,
    PRIMARY KEY (partition, stream_id, version)
) WITH (fillfactor = 80, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX ON ai_session_info_history (created_at, stream_id, position, until)
       INCLUDE (partition, version);
CREATE INDEX ON ai_session_info_history (account_id, created_at, stream_id, position, until)
       INCLUDE (partition, version)
 WHERE account_id IS NOT NULL;
CREATE INDEX ON ai_session_info_history (account_id, position) INCLUDE (ended, partition)
 WHERE version = 1;

CREATE TABLE chat_session_entity_history (
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
        GENERATED ALWAYS AS ((search ->> 'watched')::bigint) STORED,
    until             bigint           NOT NULL DEFAULT 9223372036854775807,
    ended             bigint,
    PRIMARY KEY (partition, stream_id, version)
) WITH (fillfactor = 80, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX ON chat_session_entity_history (chat_session_id, position, until)
       INCLUDE (partition);
CREATE INDEX ON chat_session_entity_history
       (coalesce(when_requested, 0), chat_session_id, position, until)
       INCLUDE (partition, when_requested);
CREATE INDEX ON chat_session_entity_history
       (status, coalesce(when_requested, 0), chat_session_id, position, until)
       INCLUDE (partition, when_requested);
CREATE INDEX ON chat_session_entity_history (person_id, position, until)
 WHERE person_id IS NOT NULL;
CREATE INDEX ON chat_session_entity_history (contact_id, position, until)
 WHERE contact_id IS NOT NULL;

CREATE TABLE account_info_history (
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
    name        text             GENERATED ALWAYS AS (doc ->> 'name') STORED,
    until       bigint           NOT NULL DEFAULT 9223372036854775807,
    ended       bigint,
    PRIMARY KEY (partition, stream_id, version)
) WITH (fillfactor = 80);
CREATE INDEX ON account_info_history (account_id, position);

CREATE TABLE principal_history (
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
    associate_id integer GENERATED ALWAYS AS ((doc ->> 'associate_id')::integer) STORED,
    until        bigint           NOT NULL DEFAULT 9223372036854775807,
    ended        bigint,
    PRIMARY KEY (partition, stream_id, version)
) WITH (fillfactor = 80);
CREATE INDEX ON principal_history (name, position);
CREATE INDEX ON principal_history (associate_id, position);

-- The events of each term, in segments of 8,192 positions. A term is the keyed hash of a name and a
-- value, such as the actor "kim". `positions` holds offsets within the segment: packed, 2 bytes for
-- each, or one bit for each position of the segment, whichever is smaller.
CREATE TABLE event_index (
    partition integer NOT NULL,
    term      bigint  NOT NULL,
    segment   bigint  NOT NULL,
    positions bytea   NOT NULL,
    PRIMARY KEY (partition, term, segment)
) WITH (fillfactor = 80);
-- Compressed, it would have to be taken apart at each batch.
ALTER TABLE event_index ALTER COLUMN positions SET STORAGE PLAIN;

-- An event by its id. Ids are drawn in the order of time, so each goes to the end of the index.
CREATE INDEX ON stored_events (partition, event_id);
