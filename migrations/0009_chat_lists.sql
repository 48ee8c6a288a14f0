-- Lists of chat sessions: by number, in the order they were requested, and those of a status so.

-- Three, and no more: every new session is written to each. What a message changes is in none of
-- them but the status; what is ordered by something else is sorted when it is asked for.
-- A session that was never requested comes first, at the date-time that stands for none.
-- Unnamed: a rebuilt table's indexes get their names by the same rule.
CREATE INDEX ON chat_session_entity (chat_session_id);
CREATE INDEX ON chat_session_entity (coalesce(when_requested, 0), chat_session_id);
CREATE INDEX ON chat_session_entity (status, coalesce(when_requested, 0), chat_session_id);
