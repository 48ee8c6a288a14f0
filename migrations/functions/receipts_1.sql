-- Receipts of erasures: what was erased is put down at once, and signed when the tree has its events.

-- Puts down what the receipt of an erasure will say. Does nothing if there is one.
CREATE OR REPLACE FUNCTION draft_receipt_1(
    p_id       uuid,
    p_asked_by text,
    p_reason   text,
    p_sessions integer,
    p_draft    text
) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
INSERT INTO receipt (id, asked_by, reason, sessions, draft)
VALUES (p_id, p_asked_by, p_reason, p_sessions, p_draft)
    ON CONFLICT (id) DO NOTHING
$$;

-- Keeps a signed receipt in place of its draft. Returns the one that is kept: that of whoever was first.
CREATE OR REPLACE FUNCTION issue_receipt_1(p_id uuid, p_line text) RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    kept text;
BEGIN
    UPDATE receipt AS r
       SET line = p_line,
           draft = NULL
     WHERE r.id = p_id
       AND r.line IS NULL;
    SELECT r.line INTO kept
      FROM receipt AS r
     WHERE r.id = p_id;
    RETURN kept;
END $$;

-- A signed receipt stays, whoever writes.
CREATE OR REPLACE TRIGGER receipt_stays
    BEFORE UPDATE ON receipt
    FOR EACH ROW WHEN (OLD.line IS NOT NULL)
    EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE TRIGGER receipts_stay
    BEFORE DELETE OR TRUNCATE ON receipt
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
