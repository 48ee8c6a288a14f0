-- What a rebuild has done so far: another goes on from there after the process was killed. Only the
-- owner's login writes here, in the transactions of the rows that are meant.

CREATE TABLE rebuild (
    id         uuid        PRIMARY KEY,
    views      text[]      NOT NULL,
    dry_run    boolean     NOT NULL,
    state      text        NOT NULL,  -- waiting, running, comparing, ready, live, failed, cancelled
    asked      text,                  -- pause or cancel, for the process that works on it
    release    text        NOT NULL,  -- fresh tables of another release are not gone on with
    run        integer     NOT NULL,  -- counts the processes that worked on it; the last one may
    begun_at   timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    outcome    jsonb
);
CREATE INDEX ON rebuild (begun_at);

-- The streams of a partition after one and up to another, and how far they are folded.
CREATE TABLE rebuild_range (
    rebuild   uuid    NOT NULL,
    number    integer NOT NULL,
    partition integer NOT NULL,
    reached   uuid    NOT NULL,  -- the streams up to this one are folded
    last      uuid    NOT NULL,  -- the range ends here
    until     bigint  NOT NULL,  -- they are folded as of this position
    events    bigint  NOT NULL,
    claimed   integer,  -- the run in which a worker folds it
    PRIMARY KEY (rebuild, number)
);

-- Streams that cannot be folded, with the reason, and events that were passed over.
CREATE TABLE rebuild_finding (
    rebuild   uuid   NOT NULL,
    number    bigint GENERATED ALWAYS AS IDENTITY,
    partition integer NOT NULL,
    stream_id uuid   NOT NULL,
    damaged   boolean NOT NULL,
    what      text   NOT NULL,
    PRIMARY KEY (rebuild, number)
);

-- Rows that differed from the live view when they were written, or moved since: to be compared again.
CREATE TABLE rebuild_doubt (
    view      text COLLATE "C" NOT NULL,
    partition integer          NOT NULL,
    stream_id uuid             NOT NULL,
    PRIMARY KEY (view, partition, stream_id)
);

-- The position up to which a view's former table was live, for the way back.
CREATE TABLE view_kept (
    view      text COLLATE "C" NOT NULL,
    partition integer          NOT NULL,
    position  bigint           NOT NULL,
    PRIMARY KEY (view, partition)
);
