-- The callers. Secrets are stored only as hashes. The service adds tokens, adds and ends sign-ins,
-- and changes nothing here.

CREATE TABLE principal (
    name          text COLLATE "C" PRIMARY KEY,
    password_hash text,                    -- argon2id; null: tokens only
    roles         text[]           NOT NULL,
    created_at    timestamptz      NOT NULL DEFAULT now(),
    -- The number by which the API knows a principal as an agent.
    associate_id  integer          NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE
);

CREATE TABLE token (
    hash       bytea            PRIMARY KEY,    -- SHA-256 of 256 random bits
    principal  text COLLATE "C" NOT NULL REFERENCES principal (name) ON DELETE CASCADE,
    created_at timestamptz      NOT NULL DEFAULT now()
);

-- Sign-ins with name and password. They hold in all workers, and outlast them.
CREATE TABLE login_session (
    hash       bytea            PRIMARY KEY,    -- SHA-256 of 256 random bits
    principal  text COLLATE "C" NOT NULL REFERENCES principal (name) ON DELETE CASCADE,
    permanent  boolean          NOT NULL,       -- outlives the browser's session
    created_at timestamptz      NOT NULL DEFAULT now(),
    expires_at timestamptz      NOT NULL
);
CREATE INDEX login_session_expires_at ON login_session (expires_at);
