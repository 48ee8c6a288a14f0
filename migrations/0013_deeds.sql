-- What operators did to the whole log, and when: a look at it answers how old the last backup is.
-- Only the owner's login writes here.

CREATE TABLE deed (
    number   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text        COLLATE "C" NOT NULL,  -- of the command
    ended_at timestamptz NOT NULL DEFAULT now(),
    seconds  float8      NOT NULL,
    outcome  text        NOT NULL,  -- a sentence
    well     boolean     NOT NULL
);
CREATE INDEX ON deed (name, number);
