-- Who may call. Secrets are stored as hashes only. Of these the service adds and ends, it changes
-- nothing.

CREATE TABLE principal (
    name          text COLLATE "C" PRIMARY KEY,
    password_hash text,                    -- argon2id; null: tokens only
    roles         text[]           NOT NULL,
    created_at    timestamptz      NOT NULL DEFAULT now(),
    -- The number under which the API knows a principal as an agent.
    associate_id  integer          NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE
);

CREATE TABLE token (
    hash       bytea            PRIMARY KEY,    -- SHA-256 of 256 random bits
    principal  text COLLATE "C" NOT NULL REFERENCES principal (name) ON DELETE CASCADE,
    created_at timestamptz      NOT NULL DEFAULT now()
);

-- Who has signed in with name and password: holds for all workers, and for longer than they run.
CREATE TABLE login_session (
    hash       bytea            PRIMARY KEY,    -- SHA-256 of 256 random bits
    principal  text COLLATE "C" NOT NULL REFERENCES principal (name) ON DELETE CASCADE,
    permanent  boolean          NOT NULL,       -- outlasts the browser's session
    created_at timestamptz      NOT NULL DEFAULT now(),
    expires_at timestamptz      NOT NULL
);
CREATE INDEX login_session_expires_at ON login_session (expires_at);
