-- The backups that were made by `backup`, for receipts of erasures: an older copy brings data back until
-- it cannot be opened any more. Only the owner's login writes here.

CREATE TABLE backup_begun (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),  -- before it reads anything
    until    timestamptz  -- when its own key is to be destroyed; null: it has none, and is not sealed
);
