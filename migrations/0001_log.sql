-- The log: append only, with positions without holes in commit order. Column names are those of the
-- eventsourcing library, whose recorder reads this table. The guards of the log are in
-- `functions/guards.sql` and `functions/kinds_1.sql`.

-- Text that identifies rows, here and in the files below, is compared byte by byte (COLLATE "C").
-- The order of the operating system's locale changes with its library, and an index in the former
-- order misses rows that exist.

-- Tables whose rows change, this one and the views, have a key index that is not unique. To check a
-- unique key, PostgreSQL walks all old versions of the row that a snapshot keeps, at about every
-- change that finds no room on the row's page. The append itself keeps each row single: it looks
-- the row up under the head that it holds. Logical replication identifies rows by all columns.

CREATE TABLE log_partition (
    partition   integer     NOT NULL,
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);  -- each append rewrites the row: room for its new version on the page
ALTER TABLE log_partition REPLICA IDENTITY FULL;
CREATE INDEX ON log_partition (partition);
COMMENT ON TABLE log_partition IS 'The head of each partition: its last position and its time.';

CREATE TABLE stored_events (
    partition          integer     NOT NULL,
    originator_id      uuid        NOT NULL,
    originator_version bigint      NOT NULL,
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    notification_id    bigint      NOT NULL,
    event_id           uuid        NOT NULL,
    recorded_at        timestamptz NOT NULL,
    actor              text        NOT NULL,
    metadata           jsonb       NOT NULL,
    PRIMARY KEY (partition, originator_id, originator_version),
    UNIQUE (partition, notification_id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE TABLE stream_key (
    partition integer NOT NULL,
    stream_id uuid    NOT NULL,
    wrapped   bytea   NOT NULL,
    PRIMARY KEY (partition, stream_id)
);
COMMENT ON TABLE stream_key IS
    'The key of each stream''s personal data, wrapped by the service''s master key.';

CREATE VIEW recorded_event AS
SELECT e.partition, e.notification_id, e.originator_id, e.originator_version, e.topic, e.state,
       e.event_id, e.recorded_at, e.actor,
       -- (LIMIT 1 keeps this at one index probe for each event.)
       (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = e.partition
           AND k.stream_id = e.originator_id
         LIMIT 1) AS wrapped
  FROM stored_events AS e;
COMMENT ON VIEW recorded_event IS
    'The log as the service reads it: each event with the key of its stream.';

CREATE TABLE idempotency_key (
    partition   integer          NOT NULL,
    principal   text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    fingerprint bytea            NOT NULL,
    stream_id   uuid             NOT NULL,
    version     bigint           NOT NULL,
    PRIMARY KEY (partition, principal, key)
);
COMMENT ON TABLE idempotency_key IS
    'What a key was first used for, and the version that its stream had then.';

CREATE TABLE log_setting (
    name  text COLLATE "C" PRIMARY KEY,
    value text             NOT NULL
);
COMMENT ON TABLE log_setting IS 'What is fixed when the log is made.';
