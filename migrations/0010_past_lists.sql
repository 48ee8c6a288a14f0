-- Lists of a past moment read few rows that were not valid then.

-- Each index of the histories' lists has `until`, too: so the versions of a stream that were not valid
-- at the moment are passed over in the index, and not looked up. For that, ending a version costs an
-- entry in each of its table's indexes.
DROP INDEX ai_session_info_history_created_at_stream_id_position_idx;
DROP INDEX ai_session_info_history_account_id_created_at_stream_id_pos_idx;
CREATE INDEX ON ai_session_info_history (created_at, stream_id, position, until)
       INCLUDE (partition, version);
CREATE INDEX ON ai_session_info_history (account_id, created_at, stream_id, position, until)
       INCLUDE (partition, version)
 WHERE account_id IS NOT NULL;

DROP INDEX chat_session_entity_history_chat_session_id_position_idx;
DROP INDEX chat_session_entity_history_coalesce_chat_session_id_positi_idx;
DROP INDEX chat_session_entity_history_status_coalesce_chat_session_id_idx;
DROP INDEX chat_session_entity_history_person_id_position_idx;
DROP INDEX chat_session_entity_history_contact_id_position_idx;
CREATE INDEX ON chat_session_entity_history (chat_session_id, position, until)
       INCLUDE (partition);
CREATE INDEX ON chat_session_entity_history
       (coalesce(when_requested, 0), chat_session_id, position, until)
       INCLUDE (partition, when_requested);
CREATE INDEX ON chat_session_entity_history
       (status, coalesce(when_requested, 0), chat_session_id, position, until)
       INCLUDE (partition, when_requested);
CREATE INDEX ON chat_session_entity_history (person_id, position, until)
 WHERE person_id IS NOT NULL;
CREATE INDEX ON chat_session_entity_history (contact_id, position, until)
 WHERE contact_id IS NOT NULL;

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
