-- Where a sign-in came from and by which means, so that its user can tell it from a stranger's. Those
-- that are open have neither until they end.

ALTER TABLE login_session
    ADD COLUMN address text,  -- null: unknown
    ADD COLUMN means   text;  -- as in the event's `auth`
