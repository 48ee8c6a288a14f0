-- What identifies rows, and what lists are kept in order by, is compared byte by byte: the order of
-- the operating system's locale changes with its library, and an index in the former order misses
-- rows that are there. The indexes are made anew, which mends those that have suffered from it.

-- Such an index may have let in what was there already. Names are compared as they stand, without
-- the indexes that are in doubt.
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
DO $$
DECLARE
    twice text;
BEGIN
    SELECT string_agg(format('%s of %s', quote_literal(t.key), quote_literal(t.principal)), ', ')
      INTO twice
      FROM (SELECT k.principal, k.key
              FROM idempotency_key AS k
             GROUP BY k.partition, k.principal, k.key
            HAVING count(*) > 1
             ORDER BY k.principal COLLATE "C", k.key COLLATE "C"
             LIMIT 10) AS t;
    IF twice IS NOT NULL THEN
        RAISE unique_violation USING
            MESSAGE = format('idempotency_key holds the same key more than once: %s', twice),
            HINT = 'What such a key stands for was done twice, because an index had lost the first '
                || 'time, mostly by a change of the operating system''s collation. Look at the '
                || 'sessions, then keep the first row of each key and migrate again: '
                || 'BEGIN; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; '
                || 'ALTER TABLE idempotency_key DISABLE TRIGGER append_only; '
                || 'DELETE FROM idempotency_key AS a USING idempotency_key AS b '
                || 'WHERE a.partition = b.partition AND a.principal = b.principal '
                || 'AND a.key = b.key AND a.ctid > b.ctid; '
                || 'ALTER TABLE idempotency_key ENABLE TRIGGER append_only; COMMIT';
    END IF;

    SELECT string_agg(quote_literal(t.name), ', ')
      INTO twice
      FROM (SELECT p.name
              FROM principal AS p
             GROUP BY p.name
            HAVING count(*) > 1
             ORDER BY p.name COLLATE "C"
             LIMIT 10) AS t;
    IF twice IS NOT NULL THEN
        RAISE unique_violation USING
            MESSAGE = format('principal holds the same name more than once: %s', twice),
            HINT = 'An index had lost the first, mostly by a change of the operating system''s '
                || 'collation. With enable_indexscan and enable_bitmapscan off, delete the rows '
                || 'that are not to stay (associate_id tells them apart), and migrate again';
    END IF;
END $$;

-- Who works for all at the moment is found out again.
DELETE FROM lease;

ALTER TABLE idempotency_key
    ALTER COLUMN principal TYPE text COLLATE "C",
    ALTER COLUMN key       TYPE text COLLATE "C";
ALTER TABLE principal       ALTER COLUMN name       TYPE text COLLATE "C";
ALTER TABLE token           ALTER COLUMN principal  TYPE text COLLATE "C";
ALTER TABLE login_session   ALTER COLUMN principal  TYPE text COLLATE "C";
ALTER TABLE lease           ALTER COLUMN name       TYPE text COLLATE "C";
ALTER TABLE log_setting     ALTER COLUMN name       TYPE text COLLATE "C";
-- (Not account_info.name, which is only carried along in an index: "C" knows no case but ASCII's.)
ALTER TABLE account_info    ALTER COLUMN account_id TYPE text COLLATE "C";
ALTER TABLE ai_session_info ALTER COLUMN account_id TYPE text COLLATE "C";
ALTER TABLE chat_session_entity ALTER COLUMN status TYPE text COLLATE "C";
SET LOCAL enable_indexscan = on;
SET LOCAL enable_indexonlyscan = on;
SET LOCAL enable_bitmapscan = on;
