-- name: schema
CREATE TABLE account (
    id   text PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE session (
    id          uuid        PRIMARY KEY,
    account_id  text        REFERENCES account,
    purpose     text,
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    modified_by text        NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE session_history (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id  uuid        NOT NULL,
    operation   text        NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    content     jsonb       NOT NULL
);
CREATE INDEX session_history_session ON session_history (session_id);

CREATE FUNCTION keep_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session_history (session_id, operation, content)
    VALUES (NEW.id, TG_OP, to_jsonb(NEW));
    RETURN NULL;
END $$;

CREATE TRIGGER keep_history
    AFTER INSERT OR UPDATE ON session
    FOR EACH ROW EXECUTE FUNCTION keep_history();

-- name: account
-- $1 id   $2 name
INSERT INTO account (id, name) VALUES ($1, $2);

-- name: create
-- $1 id   $2 account   $3 purpose   $4 who
INSERT INTO session (id, account_id, purpose, created_by, modified_by)
VALUES ($1, $2, $3, $4, $4)
RETURNING id, account_id, purpose, created_by, created_at, modified_by, modified_at,
          (SELECT a.name FROM account AS a WHERE a.id = account_id) AS account_name;

-- name: change
-- $1 id   $2 purpose; null keeps it   $3 who
UPDATE session
   SET purpose = coalesce($2, purpose),
       modified_by = $3,
       modified_at = now()
 WHERE id = $1
RETURNING id, account_id, purpose, created_by, created_at, modified_by, modified_at,
          (SELECT a.name FROM account AS a WHERE a.id = account_id) AS account_name;

-- name: read
-- $1 id
SELECT s.id, s.account_id, s.purpose, s.created_by, s.created_at, s.modified_by, s.modified_at,
       a.name AS account_name
  FROM session AS s
  LEFT JOIN account AS a
    ON a.id = s.account_id
 WHERE s.id = $1;

-- name: written
SELECT count(*) FROM session_history;
