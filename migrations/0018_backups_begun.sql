-- The backups that were made by `backup`, for receipts of erasures: an older copy brings data back until
-- it cannot be opened any more. Only the owner's login writes here.

CREATE TABLE backup_begun (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),  -- before it reads anything
    until    timestamptz,  -- when its own key is to be destroyed; null: it has none, and is not sealed
    key_id   text        COLLATE "C" UNIQUE,  -- of that key, in the folder of keys
    destroyed_at   timestamptz,  -- when the key was destroyed; null: nothing says so
    destroyed_by   text  COLLATE "C",  -- the database's login that put it on record
    destroyed_from inet  -- where that came from; null: from the server's machine
);
