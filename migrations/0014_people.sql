-- By what people are found: made by the follower `people`, and again from the log at will.

-- A term is the keyed hash of an e-mail address, a phone number or a name that some event of a
-- session holds. Without the log's key it tells nothing; the rows of a session go with its personal
-- data.
CREATE TABLE person_term (
    partition integer NOT NULL,
    term      bigint  NOT NULL,
    stream_id uuid    NOT NULL,
    PRIMARY KEY (partition, term, stream_id)
);
CREATE INDEX ON person_term (partition, stream_id);
