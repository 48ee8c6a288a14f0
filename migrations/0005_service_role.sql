-- The role the service works under: it reads, and it appends through the function. It owns nothing.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sessionary_service') THEN
        CREATE ROLE sessionary_service NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the whole server: another database's migration made it just now
END $$;

-- Who makes a role is not yet allowed to take it on, unless a superuser.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'sessionary_service', 'MEMBER') THEN
        EXECUTE format('GRANT sessionary_service TO %I', current_user);
    END IF;
END $$;

REVOKE ALL ON FUNCTION append FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO sessionary_service;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO sessionary_service;
GRANT EXECUTE ON FUNCTION append TO sessionary_service;
GRANT USAGE ON SEQUENCE chat_session_number TO sessionary_service;
