-- The log: append only, positions without holes in commit order. Column names are those of the
-- eventsourcing library, whose recorder reads this table.

CREATE TABLE log_partition (
    partition   integer     PRIMARY KEY,
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);  -- rewritten by every append: room for the new version on the same page
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
       -- (LIMIT 1 keeps it one probe of the index for each event.)
       (SELECT k.wrapped
          FROM stream_key AS k
         WHERE k.partition = e.partition
           AND k.stream_id = e.originator_id
         LIMIT 1) AS wrapped
  FROM stored_events AS e;
COMMENT ON VIEW recorded_event IS
    'The log as the service reads it: each event with the key of its stream.';

CREATE TABLE idempotency_key (
    partition   integer NOT NULL,
    principal   text    NOT NULL,
    key         text    NOT NULL,
    fingerprint bytea   NOT NULL,
    stream_id   uuid    NOT NULL,
    version     bigint  NOT NULL,
    PRIMARY KEY (partition, principal, key)
);
COMMENT ON TABLE idempotency_key IS
    'What a key was first used for, and the version that its stream had then.';

CREATE TABLE log_setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE log_setting IS 'What is fixed when the log is made.';

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON idempotency_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER head_stays
    BEFORE DELETE OR TRUNCATE ON log_partition
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO log_partition (partition, position, recorded_at) VALUES (0, 0, '-infinity');
