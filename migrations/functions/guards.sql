-- Guards of the log against every writer: it is append only, and each partition has one head.

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON idempotency_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE TRIGGER head_stays
    BEFORE DELETE OR TRUNCATE ON log_partition
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A partition has one head.
CREATE OR REPLACE FUNCTION refuse_second_head() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    -- distributed
    has_one boolean;  -- where the head of the partition is to be
    -- end of distributed
BEGIN
    -- plain
    LOCK TABLE log_partition IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM log_partition AS h WHERE h.partition = NEW.partition) THEN
    -- end of plain
    -- distributed
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', TG_RELID::regclass);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS h WHERE h.partition = $1)', TG_RELID::regclass)
       INTO has_one
      USING NEW.partition;
    IF has_one THEN
    -- end of distributed
        RAISE unique_violation USING MESSAGE = format('Partition %s has a head', NEW.partition);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER one_head
    BEFORE INSERT ON log_partition
    FOR EACH ROW EXECUTE FUNCTION refuse_second_head();
