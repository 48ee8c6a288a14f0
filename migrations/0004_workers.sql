-- State that workers share beside the log.

-- The numbers of chat sessions and chat messages: int32, as the API shows them.
CREATE SEQUENCE chat_session_number AS integer;
CREATE SEQUENCE chat_message_number AS integer;

-- The numbers of principals as agents.
CREATE SEQUENCE associate_number AS integer;

-- The last numbers drawn, for a log with distributed tables: sequences of integers cannot be drawn
-- from there.
CREATE TABLE number_drawn (
    partition integer          NOT NULL,  -- always the first one
    name      text COLLATE "C" NOT NULL,
    last      bigint           NOT NULL,
    PRIMARY KEY (partition, name)
);
INSERT INTO number_drawn (partition, name, last)
VALUES (0, 'chat_session_number', 0), (0, 'chat_message_number', 0), (0, 'associate_number', 0);

-- The tasks that one process at a time does for all.
CREATE TABLE lease (
    name   text COLLATE "C" PRIMARY KEY,
    holder uuid             NOT NULL,
    until  timestamptz      NOT NULL
);

-- A full disk still accepts a small change of a row, since no file grows by it, but no event. So
-- after a write that found no room, a write that needs room shows whether there is some again.
CREATE TABLE room (
    filler text NOT NULL
);
-- Not compressed: the filler would then need less room than its length.
ALTER TABLE room ALTER COLUMN filler SET STORAGE PLAIN;
