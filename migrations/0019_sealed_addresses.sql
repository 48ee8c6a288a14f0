-- The address that a sign-in came from is sealed, like that of every call. Those that are open have none
-- until they end.

ALTER TABLE login_session
    DROP COLUMN address,
    ADD COLUMN sealed_address bytea;  -- under the key of its principal's stream; null: unknown
