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

-- The versions of each view that are kept, one of them live; a view without rows has only its first
-- one. The tables of a version have its number in their names (`<view>_v2`), so workers of two releases
-- do not meet there: each appends to its own version, and leaves word for the others.
CREATE TABLE view_version (
    view    text COLLATE "C" NOT NULL,
    version integer          NOT NULL,
    is_live boolean          NOT NULL DEFAULT true,
    live_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    name    text COLLATE "C" GENERATED ALWAYS AS (
        view || CASE WHEN version > 1 THEN '_v' || version::text ELSE '' END
    ) STORED,  -- its table's
    PRIMARY KEY (view, version)
);

-- Streams whose row in a version of a view lacks events that a worker with another version appended. Who
-- reads that version folds these first (`renew_rows_1`).
CREATE TABLE view_behind (
    name      text COLLATE "C" NOT NULL,  -- of the version
    partition integer          NOT NULL,
    stream_id uuid             NOT NULL,
    PRIMARY KEY (name, partition, stream_id)
);
