-- What workers share beside the log.

-- Numbers of chat sessions and of chat messages: int32, as the API shows them.
CREATE SEQUENCE chat_session_number AS integer;
CREATE SEQUENCE chat_message_number AS integer;

-- The same for a log whose tables are distributed, where no sequence of integers can be drawn from:
-- how far each has come.
CREATE TABLE number_drawn (
    partition integer          NOT NULL,  -- always the first
    name      text COLLATE "C" NOT NULL,
    last      bigint           NOT NULL,
    PRIMARY KEY (partition, name)
);
INSERT INTO number_drawn (partition, name, last)
VALUES (0, 'chat_session_number', 0), (0, 'chat_message_number', 0);

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
