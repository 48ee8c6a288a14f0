-- What workers share beside the log.

-- Numbers of chat sessions and of chat messages: int32, as the API shows them.
CREATE SEQUENCE chat_session_number AS integer;
CREATE SEQUENCE chat_message_number AS integer;

-- What one process at a time does for all.
CREATE TABLE lease (
    name   text COLLATE "C" PRIMARY KEY,
    holder uuid             NOT NULL,
    until  timestamptz      NOT NULL
);

-- A disk that is full still takes a small change of a row, but no event: nothing grows by that. So
-- after a write that found no room, one that needs some tells whether there is any again.
CREATE TABLE room (
    filler text NOT NULL
);
-- As large as written: compressed, it would need less room than it says.
ALTER TABLE room ALTER COLUMN filler SET STORAGE PLAIN;
