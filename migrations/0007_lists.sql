-- Lists of sessions, page by page, in the order of their creation: of all, and of an account.

-- Two, and no more: every new session is written to each. Neither has what a change of a session
-- changes (who changed it last and when, the document), so that a change touches no index.
-- What is ordered by something else is sorted when it is asked for.
-- Unnamed: a rebuilt table's indexes get their names by the same rule.
CREATE INDEX ON ai_session_info (created_at, stream_id);
CREATE INDEX ON ai_session_info (account_id, created_at, stream_id)
 WHERE account_id IS NOT NULL;
