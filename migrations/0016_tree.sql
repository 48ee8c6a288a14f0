-- The tree over each partition (RFC 9162), and what is signed of it. A follower makes the tree from the
-- log, so all of it but the signed checkpoints and the keys can be made again. Only functions
-- (`functions/follow_tree_1.sql`) write these tables.

-- Hashes of one level of a partition's tree, 32 bytes each, up to 256 in a row: those of the events
-- at level 0, and at each further level those of full rows of the level below (C2SP tlog-tiles).
CREATE TABLE tree_tile (
    partition  integer NOT NULL,
    level      integer NOT NULL,
    tile_index bigint  NOT NULL,
    hashes     bytea   NOT NULL,
    PRIMARY KEY (partition, level, tile_index)
);
-- Hashes cannot be compressed: a try would only take time.
ALTER TABLE tree_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- The right edge of each partition's tree: the roots of its full subtrees, the largest first. It
-- moves in the statement that moves the follower's checkpoint.
CREATE TABLE tree (
    partition  integer PRIMARY KEY,
    size       bigint  NOT NULL,  -- the position of the last event in it
    frontier   bytea   NOT NULL,
    last_event uuid    NOT NULL   -- its id: another log has another one there
) WITH (fillfactor = 10);  -- each batch rewrites the row
ALTER TABLE tree ALTER COLUMN frontier SET STORAGE MAIN;

-- The keys that checkpoints are signed with. The private part is sealed under the log's root key, so
-- that nobody signs who has the database alone.
CREATE TABLE signing_key (
    id        integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    algorithm integer     NOT NULL,  -- the type of its signatures (C2SP signed-note)
    public    bytea       NOT NULL,
    sealed    bytea       NOT NULL,
    since     timestamptz NOT NULL DEFAULT now(),
    until     timestamptz            -- null: it signs
);
CREATE UNIQUE INDEX ON signing_key (algorithm) WHERE until IS NULL;

-- The signed checkpoints that are kept: all of the last hour, one a minute of the last day, one an
-- hour of the last 90 days, and one a day for ever.
CREATE TABLE log_checkpoint (
    number      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition   integer     NOT NULL,
    size        bigint      NOT NULL,
    signed_at   timestamptz NOT NULL DEFAULT now(),
    note        text        NOT NULL,
    unfit_since timestamptz            -- when the log was found not to be the signed one any more
);
CREATE INDEX ON log_checkpoint (partition, size);
CREATE INDEX ON log_checkpoint (signed_at);
