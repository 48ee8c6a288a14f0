-- The secrets of callers, as hashes: the log and the view `principal` hold everything else about them.
-- The service reads single rows through the functions of `functions/principals_1.sql`, which also
-- write here, each time together with the event that says so.

CREATE TABLE credential (
    principal     text COLLATE "C" PRIMARY KEY,
    partition     integer          NOT NULL,
    stream_id     uuid             NOT NULL UNIQUE,
    password_hash text,                          -- argon2id; null: tokens only
    generation    bigint           NOT NULL      -- raised by whatever changes who may call as this
);

-- Sign-ins with name and password. They hold in all workers, and outlast them.
CREATE TABLE login_session (
    hash       bytea            PRIMARY KEY CHECK (octet_length(hash) = 32),  -- SHA-256 of 256 bits
    id         uuid             NOT NULL UNIQUE,
    principal  text COLLATE "C" NOT NULL REFERENCES credential (principal) ON DELETE CASCADE,
    permanent  boolean          NOT NULL,       -- outlives the browser's session
    opened_at  timestamptz      NOT NULL DEFAULT now(),
    seen_at    timestamptz      NOT NULL DEFAULT now(),  -- within some minutes
    idle       interval         NOT NULL,       -- ends this long after it was last seen
    expires_at timestamptz      NOT NULL
);
CREATE INDEX login_session_principal ON login_session (principal, opened_at);
CREATE INDEX login_session_expires_at ON login_session (expires_at);

CREATE TABLE token (
    hash         bytea            PRIMARY KEY CHECK (octet_length(hash) = 32),  -- as above
    id           uuid             NOT NULL UNIQUE,
    principal    text COLLATE "C" NOT NULL REFERENCES credential (principal) ON DELETE CASCADE,
    label        text             NOT NULL,
    issued_by    text COLLATE "C" NOT NULL,
    issued_at    timestamptz      NOT NULL,
    expires_at   timestamptz,                    -- null: never
    -- It ends with this sign-in, and with this token; null: with none.
    sign_in      uuid             REFERENCES login_session (id) ON DELETE CASCADE,
    parent       uuid             REFERENCES token (id) ON DELETE CASCADE,
    last_used_at timestamptz                     -- within a minute or so
);
CREATE INDEX token_principal ON token (principal);
CREATE INDEX token_sign_in ON token (sign_in)
 WHERE sign_in IS NOT NULL;
CREATE INDEX token_parent ON token (parent)
 WHERE parent IS NOT NULL;

-- What callers were refused and no event tells yet. All workers count here together, so that there
-- is one event for each principal, address and minute.
CREATE TABLE refusal (
    what       text COLLATE "C" NOT NULL,
    stream_id  uuid             NOT NULL,  -- of the name that was given
    address    text COLLATE "C" NOT NULL,  -- empty: unknown
    name_hash  text,                       -- keyed hash of that name
    count      bigint           NOT NULL,
    details    text[]           NOT NULL,
    written_at timestamptz,                -- of the last event; null: there was none yet
    PRIMARY KEY (what, stream_id, address)
);
