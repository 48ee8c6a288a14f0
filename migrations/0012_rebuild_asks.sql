-- Rebuilds that are asked for over HTTP. The service's login only records what is asked for, by the
-- functions in `functions/ask_rebuild_1.sql`. A process with the owner's login carries it out.

ALTER TABLE rebuild
    -- rebuild: of views; refill: of followers, which take up the log anew; back: the tables of views
    -- that were live before; redrive: streams that followers have in quarantine
    ADD COLUMN kind         text NOT NULL DEFAULT 'rebuild',
    ADD COLUMN stream       uuid,         -- to be redriven; null: all of the follower
    ADD COLUMN for_operator boolean NOT NULL DEFAULT false,  -- `sessionary operate` carries it out
    ADD COLUMN phase        text,         -- what the process that works on it does just now
    ADD COLUMN run_at       timestamptz,  -- when the last run began; null: none has begun
    ADD COLUMN run_events   bigint NOT NULL DEFAULT 0,  -- folded by the runs before that
    ADD COLUMN failure      text,
    -- (Between `ready` and `live`, some of the views are swapped.)
    ADD COLUMN unfinished   boolean GENERATED ALWAYS AS (
        state IN ('waiting', 'running', 'comparing') OR state = 'ready' AND NOT dry_run
    ) STORED;
CREATE INDEX ON rebuild (begun_at) WHERE unfinished;
UPDATE rebuild SET run_at = begun_at;

-- Who asked for what, and when. Nothing removes a row.
CREATE TABLE rebuild_ask (
    number     bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rebuild    uuid             NOT NULL,
    what       text             NOT NULL,  -- rebuild, refill, back, redrive; pause, resume, cancel
    asked_by   text COLLATE "C" NOT NULL,
    asked_at   timestamptz      NOT NULL DEFAULT now(),
    request_id text             NOT NULL,
    key        text COLLATE "C"            -- idempotency key; null: there was none
);
CREATE INDEX ON rebuild_ask (rebuild);
CREATE INDEX ON rebuild_ask (asked_at);
CREATE UNIQUE INDEX ON rebuild_ask (asked_by, key) WHERE key IS NOT NULL;

-- The version of each view that is live; a view without a row has its first one. The tables of a
-- version have its number in their names (`<view>_v2`), so workers of two releases do not meet there.
CREATE TABLE view_version (
    view    text COLLATE "C" PRIMARY KEY,
    version integer          NOT NULL,
    live_at timestamptz      NOT NULL DEFAULT now()
);
