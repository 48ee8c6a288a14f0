-- Who may call. Secrets are stored as hashes only.

CREATE TABLE principal (
    name          text        PRIMARY KEY,
    password_hash text,                    -- argon2id; null: tokens only
    roles         text[]      NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE token (
    hash       bytea       PRIMARY KEY,    -- SHA-256 of 256 random bits
    principal  text        NOT NULL REFERENCES principal (name) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
