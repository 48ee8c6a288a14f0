-- What nobody may erase, and why: one row for each hold that is not lifted, and its history.

CREATE TABLE legal_hold (
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
    target      text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'target') STORED
) WITH (fillfactor = 80);
ALTER TABLE legal_hold REPLICA IDENTITY FULL;
CREATE INDEX ON legal_hold (partition, stream_id);
CREATE INDEX ON legal_hold (target);

CREATE TABLE legal_hold_history (
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
    target      text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'target') STORED,
    until       bigint           NOT NULL DEFAULT 9223372036854775807,
    ended       bigint,
    PRIMARY KEY (partition, stream_id, version)
) WITH (fillfactor = 80);
