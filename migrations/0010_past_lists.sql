-- Lists of a past moment read few rows that were not valid then.

-- Of a status that sessions soon leave, few versions were valid at any one moment, but very many at
-- some moment. They are found by how long they lasted: class n of a status has those of 10^n to
-- 10^(n + 1) positions. Of a class, only those that began within so many positions before a moment can
-- have been valid at it, and about one in ten or more of these was.
ALTER TABLE chat_session_entity_history
  ADD COLUMN lasted text COLLATE "C"
      GENERATED ALWAYS AS (
          (doc ->> 'status') || ' ' || floor(log(greatest(until - position, 1)))::integer
      ) STORED;
CREATE INDEX ON chat_session_entity_history (lasted, partition, position, until);

-- The greatest values that the histories had up to a position: a list of that moment that shows the
-- latest first begins there, and not at the end of its index. There is a row for each segment of 512
-- positions in which rows began; the values are those of all rows up to the end of the segment.
CREATE TABLE history_reach (
    partition       integer     NOT NULL,
    segment         bigint      NOT NULL,
    created_at      timestamptz NOT NULL,
    chat_session_id integer     NOT NULL,
    when_requested  bigint      NOT NULL,
    PRIMARY KEY (partition, segment)
) WITH (fillfactor = 50);
INSERT INTO history_reach
SELECT s.partition, s.segment,
       max(s.created_at) OVER upto, max(s.chat_session_id) OVER upto, max(s.when_requested) OVER upto
  FROM (SELECT b.partition, b.position / 512 AS segment, max(b.created_at) AS created_at,
               max(b.chat_session_id) AS chat_session_id, max(b.when_requested) AS when_requested
          FROM (SELECT partition, position, created_at, 0 AS chat_session_id, 0 AS when_requested
                  FROM ai_session_info_history
                 UNION ALL
                SELECT partition, position, created_at, chat_session_id, coalesce(when_requested, 0)
                  FROM chat_session_entity_history) AS b
         GROUP BY b.partition, segment) AS s
WINDOW upto AS (PARTITION BY s.partition ORDER BY s.segment);
