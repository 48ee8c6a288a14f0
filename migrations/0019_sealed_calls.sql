-- The address that a sign-in came from is sealed, as that of every call is. Sign-ins that are open have
-- none until they end.

ALTER TABLE login_session
    DROP COLUMN address,
    ADD COLUMN sealed_address bytea;  -- under the key of its principal's stream; null: unknown

-- By what the calls of an erased session were found: keyed hashes of addresses and of ids that callers
-- gave. The follower of histories takes them out of the index of events when it comes to the erasure,
-- and out of here with that.
CREATE TABLE term_to_forget (
    partition integer NOT NULL,
    since     bigint  NOT NULL,  -- position of the erasure
    term      bigint  NOT NULL,
    position  bigint  NOT NULL,  -- of the event that is not found by it any more
    PRIMARY KEY (partition, since, term, position)
);
