-- What operators did to the whole log, when and by whom: a look at it answers how old the last backup is.
-- Only the owner's login writes here.

CREATE TABLE deed (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text        COLLATE "C" NOT NULL,  -- of the command
    ended_at timestamptz NOT NULL DEFAULT now(),
    seconds  float8      NOT NULL,
    outcome  text        NOT NULL,  -- a sentence
    well     boolean     NOT NULL,
    login    text        COLLATE "C" NOT NULL DEFAULT session_user,  -- by whom
    address  inet        DEFAULT inet_client_addr(),  -- from where; null: from the server's machine
    covers   jsonb       -- of a verification: up to where, what was checked and what not
);
CREATE INDEX ON deed (name, number);
