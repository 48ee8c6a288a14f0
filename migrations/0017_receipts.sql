-- Receipts of erasures. Only functions (`functions/receipts_1.sql`) write this table, and what is signed
-- stays as it is.

CREATE TABLE receipt (
    id        uuid        PRIMARY KEY,                     -- of the erasure
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    asked_by  text        NOT NULL,
    reason    text        NOT NULL,
    sessions  integer     NOT NULL,                        -- how many it is about
    draft     text,                                        -- what it will say; null once it is signed
    line      text,                                        -- the receipt; null until it is signed
    CHECK ((draft IS NULL) <> (line IS NULL))
);
CREATE INDEX ON receipt (erased_at, id);
