-- Lists of chat sessions: by number, in the order they were requested, those of a status in that
-- order, those of a person and of a company.

-- Three that every session is in, and no more: each is written with every new session. What is
-- ordered by something else is sorted when it is asked for. Of what a message changes, only the
-- status is in one of them.
-- A session that was never requested comes first, at the date-time that stands for none.
-- Unnamed: a rebuilt table's indexes get their names by the same rule.
CREATE INDEX ON chat_session_entity (chat_session_id);
CREATE INDEX ON chat_session_entity (coalesce(when_requested, 0), chat_session_id);
CREATE INDEX ON chat_session_entity (status, coalesce(when_requested, 0), chat_session_id);
CREATE INDEX ON chat_session_entity (person_id)
 WHERE person_id IS NOT NULL;
CREATE INDEX ON chat_session_entity (contact_id)
 WHERE contact_id IS NOT NULL;
