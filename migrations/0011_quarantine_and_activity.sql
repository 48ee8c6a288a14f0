-- Events that a follower cannot take up, and what is counted for each account and day.

-- A stream of which a follower cannot take up an event. This event and all later ones of the stream
-- wait, in order, for a redrive; the follower goes on with all other streams. The events themselves
-- are in the log.
CREATE TABLE quarantine (
    partition     integer          NOT NULL,
    follower      text COLLATE "C" NOT NULL,
    stream_id     uuid             NOT NULL,
    version       bigint           NOT NULL,  -- of the first event that waits
    position      bigint           NOT NULL,  -- of the same
    error         text             NOT NULL,
    since         timestamptz      NOT NULL DEFAULT now(),
    redrive_asked timestamptz,                -- null: nobody has asked since it failed last
    PRIMARY KEY (partition, follower, stream_id)
);
CREATE INDEX ON quarantine (partition, follower) WHERE redrive_asked IS NOT NULL;

-- Made by the follower `activity`. The account '' stands for sessions without one.
CREATE TABLE activity (
    partition  integer          NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    day        date             NOT NULL,  -- UTC
    opened     bigint           NOT NULL,
    changed    bigint           NOT NULL,
    closed     bigint           NOT NULL,
    PRIMARY KEY (partition, account_id, day)
) WITH (fillfactor = 50);
CREATE INDEX ON activity (day, account_id);

-- Who did these.
CREATE TABLE activity_actor (
    partition  integer          NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    day        date             NOT NULL,
    actor      text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, account_id, day, actor)
);
