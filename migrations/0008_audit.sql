-- Who saw personal data unmasked: one row for each auditor, and its history.

CREATE TABLE audit_trail (
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
    auditor     text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'auditor') STORED
) WITH (fillfactor = 80);
ALTER TABLE audit_trail REPLICA IDENTITY FULL;
CREATE INDEX ON audit_trail (partition, stream_id);

CREATE TABLE audit_trail_history (
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
    auditor     text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'auditor') STORED,
    until       bigint           NOT NULL DEFAULT 9223372036854775807,
    PRIMARY KEY (partition, stream_id, version)
) WITH (fillfactor = 80);

-- Who may call, who called, and who looked: few among the events of sessions, and read on their own.
CREATE INDEX access_events ON stored_events (partition, notification_id)
 WHERE topic LIKE 'principal.%' OR topic LIKE 'audit.%';
