-- Who has signed in with name and password: holds for all workers, and for longer than they run.

CREATE TABLE login_session (
    hash       bytea       PRIMARY KEY,    -- SHA-256 of 256 random bits
    principal  text        NOT NULL REFERENCES principal (name) ON DELETE CASCADE,
    permanent  boolean     NOT NULL,       -- outlasts the browser's session
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX login_session_expires_at ON login_session (expires_at);

-- Signing in and out, and tokens that administrators hand out: the service adds and ends, it
-- changes nothing.
GRANT SELECT, DELETE ON login_session TO sessionary_service;
GRANT INSERT (hash, principal, permanent, expires_at) ON login_session TO sessionary_service;
GRANT INSERT (hash, principal) ON token TO sessionary_service;
