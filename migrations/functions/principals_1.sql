-- The secrets of principals: each is written with the event that says so, and read one at a time.

-- Appends one command's events to a principal's stream, and keeps what they mean for its secrets:
-- so there is a token exactly if there is its event, and no sign-in outlives the event that ends it.
-- The arguments are those of `append_1`; the outcome is, too.
-- Raises SE002 if the principal has another generation than the caller saw.
CREATE OR REPLACE FUNCTION append_principal_1(
    p_partition   integer,
    p_actor       text,
    p_metadata    jsonb,
    p_stream      uuid,
    p_expected    bigint,
    p_last        uuid,
    p_doc         jsonb,
    p_key         text,
    p_fingerprint bytea,
    e_topic       text[],
    e_state       bytea[],
    e_id          uuid[],
    p_check_value text,
    p_secret      bytea,    -- argon2id hash of a password, in UTF-8; or SHA-256 of what was drawn
    p_generation  bigint,   -- the generation that the decision was made on; null: any
    p_idle        interval, -- of a sign-in
    p_sign_ins    integer,  -- limit of a principal's sign-ins; the oldest end beyond it
    p_sealing_key bytea,    -- wrapped key of the stream, if it had none so far; else null
    p_address     bytea,    -- the caller's, sealed for the stream; null: unknown
    OUT outcome      text,
    OUT version      bigint,
    OUT "position"   bigint,
    OUT recorded_at  timestamptz
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    a          record;
    owner_name text;
BEGIN
    IF coalesce(cardinality(e_topic), 0) = 0
       OR EXISTS (SELECT
                    FROM unnest(e_topic) AS t(topic)
                   WHERE t.topic LIKE 'principal.%' IS NOT TRUE) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'Not all are events of principals';
    END IF;
    SELECT * INTO STRICT a
      FROM append_1(
               p_partition, ARRAY[p_actor], ARRAY[p_metadata], ARRAY['principal'], NULL,
               ARRAY[1], ARRAY[p_stream], ARRAY[p_expected],
               CASE WHEN p_last IS NOT NULL THEN ARRAY[p_last] END,
               CASE WHEN cardinality(e_id) <> 1 THEN ARRAY[cardinality(e_id)] END,
               ARRAY[p_doc], NULL,
               CASE WHEN p_sealing_key IS NOT NULL THEN ARRAY[p_sealing_key] END,
               CASE WHEN p_key IS NOT NULL THEN ARRAY[p_key] END,
               CASE WHEN p_key IS NOT NULL THEN ARRAY[p_fingerprint] END,
               NULL, NULL, NULL, NULL, e_topic, e_state, e_id, false, p_check_value);
    outcome := coalesce(a.outcome[1], 'appended');
    version := coalesce(a.version[1], p_expected + cardinality(e_id));
    position := coalesce(a.position[1], a.head + cardinality(e_id));
    recorded_at := coalesce(a.recorded_at[1], a.present);
    IF outcome <> 'appended' THEN
        RETURN;
    END IF;
    -- (The append holds the partition's head: this sees everything that was committed before.)
    IF p_generation IS NOT NULL
       AND p_generation IS DISTINCT FROM (SELECT c.generation
                                            FROM credential AS c
                                           WHERE c.stream_id = p_stream) THEN
        RAISE 'The principal has changed' USING ERRCODE = 'SE002';
    END IF;
    -- (Whoever has the service's login names both. A secret is that of the stream's own principal,
    -- whatever the document says: an event in one stream changes nothing of another's.)
    owner_name := coalesce((SELECT c.principal FROM credential AS c WHERE c.stream_id = p_stream),
                           (SELECT convert_from(s.state, 'UTF8')::jsonb ->> 'name'
                              FROM stored_events AS s
                             WHERE s.partition = p_partition
                               AND s.originator_id = p_stream
                               AND s.originator_version = 1
                               AND s.topic = 'principal.added.v1'));
    IF coalesce(owner_name, '') IS DISTINCT FROM p_doc ->> 'name' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'The document is that of another principal';
    END IF;
    FOR i IN 1 .. cardinality(e_topic) LOOP
        -- (With the facts of the call that a sign-in shows to its user.)
        PERFORM keep_credential_1(
            p_partition, p_stream, owner_name, e_topic[i],
            convert_from(e_state[i], 'UTF8')::jsonb,
            p_address, nullif(p_metadata ->> 'auth', ''), p_secret, p_idle, p_sign_ins);
    END LOOP;
END $$;

-- What one event means for the secrets of its principal.
CREATE OR REPLACE FUNCTION keep_credential_1(
    p_partition integer, p_stream uuid, p_name text, p_topic text, p_event jsonb,
    p_address bytea, p_means text, p_secret bytea, p_idle interval, p_sign_ins integer
) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    CASE p_topic
    WHEN 'principal.added.v1' THEN
        INSERT INTO credential (principal, partition, stream_id, password_hash, generation)
        VALUES (p_name, p_partition, p_stream, convert_from(p_secret, 'UTF8'), 1);
    WHEN 'principal.password_changed.v1' THEN
        -- (A log that came as a file brings no secrets along.)
        INSERT INTO credential AS c (principal, partition, stream_id, password_hash, generation)
        VALUES (p_name, p_partition, p_stream, convert_from(p_secret, 'UTF8'), 1)
            ON CONFLICT (principal) DO UPDATE
           SET password_hash = excluded.password_hash,
               generation = c.generation + 1
         WHERE c.stream_id = p_stream;
        PERFORM end_all_1(p_name);
    WHEN 'principal.disabled.v1', 'principal.enabled.v1', 'principal.removed.v1' THEN
        PERFORM raise_generation_1(p_stream);
        PERFORM end_all_1(p_name);
    WHEN 'principal.roles_changed.v1' THEN
        PERFORM raise_generation_1(p_stream);
    WHEN 'principal.token_issued.v1' THEN
        DELETE FROM token AS t
         WHERE t.principal = p_name
           AND t.expires_at <= now();
        INSERT INTO credential (principal, partition, stream_id, generation)
        VALUES (p_name, p_partition, p_stream, 1)
            ON CONFLICT (principal) DO NOTHING;
        INSERT INTO token (hash, id, principal, label, issued_by, issued_at, expires_at,
                           sign_in, parent)
        VALUES (p_secret, (p_event ->> 'token_id')::uuid, p_name, p_event ->> 'label',
                p_event ->> 'issued_by', (p_event ->> 'issued_at')::timestamptz,
                (p_event ->> 'expires_at')::timestamptz, (p_event ->> 'sign_in')::uuid,
                (p_event ->> 'parent')::uuid);
    WHEN 'principal.token_revoked.v1' THEN
        DELETE FROM token AS t
         WHERE t.id = (p_event ->> 'token_id')::uuid
           AND t.principal = p_name;
        PERFORM raise_generation_1(p_stream);
    WHEN 'principal.signed_in.v1' THEN
        DELETE FROM login_session AS s
         WHERE s.expires_at <= now();
        INSERT INTO login_session (hash, id, principal, permanent, idle, expires_at, sealed_address,
                                   means)
        VALUES (p_secret, (p_event ->> 'sign_in')::uuid, p_name,
                (p_event ->> 'permanent')::boolean, p_idle,
                (p_event ->> 'expires_at')::timestamptz, p_address, p_means);
        DELETE FROM login_session AS s
         WHERE s.id IN (SELECT o.id
                          FROM login_session AS o
                         WHERE o.principal = p_name
                         ORDER BY o.opened_at DESC, o.id DESC
                        OFFSET p_sign_ins);
    WHEN 'principal.signed_out.v1' THEN
        IF p_event ->> 'sign_in' IS NULL THEN
            PERFORM end_all_1(p_name);
            PERFORM raise_generation_1(p_stream);
        ELSE
            DELETE FROM login_session AS s
             WHERE s.id = (p_event ->> 'sign_in')::uuid
               AND s.principal = p_name;
        END IF;
    ELSE
        NULL;  -- a refusal changes nothing
    END CASE;
END $$;

-- Ends all sign-ins and all tokens of a principal; tokens of others end with these.
CREATE OR REPLACE FUNCTION end_all_1(p_name text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM token AS t
     WHERE t.principal = p_name;
    DELETE FROM login_session AS s
     WHERE s.principal = p_name;
END $$;

-- Tells every worker that what it remembers of a principal may be over.
CREATE OR REPLACE FUNCTION raise_generation_1(p_stream uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE credential AS c
       SET generation = c.generation + 1
     WHERE c.stream_id = p_stream;
END $$;

-- The three below are volatile, though they only read. In a stable function, a statement that waits
-- for a rebuild to swap the view's table would look into the new one with a snapshot from before its
-- rows were there, and find nobody.

-- The row of a name, if it is a principal's; of one that may not call, too.
CREATE OR REPLACE FUNCTION credential_of_name_1(p_name text) RETURNS TABLE (
    name text, roles jsonb, associate_id integer, must_change_password boolean, state text,
    generation bigint, password_hash text
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.name, p.doc -> 'roles', p.associate_id,
           (p.doc ->> 'must_change_password')::boolean, p.doc ->> 'state',
           c.generation, c.password_hash
      FROM credential AS c
      JOIN principal AS p
        ON p.partition = c.partition
       AND p.stream_id = c.stream_id
     WHERE c.principal = p_name;
END $$;

-- The row of a token that has not ended, of a principal that may call.
CREATE OR REPLACE FUNCTION credential_of_token_1(p_hash bytea) RETURNS TABLE (
    name text, roles jsonb, associate_id integer, must_change_password boolean,
    generation bigint, token_id uuid, issued_by text, sign_in uuid, expires_at timestamptz,
    last_used_at timestamptz
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.name, p.doc -> 'roles', p.associate_id,
           (p.doc ->> 'must_change_password')::boolean,
           c.generation, t.id, t.issued_by, t.sign_in, t.expires_at, t.last_used_at
      FROM token AS t
      JOIN credential AS c
        ON c.principal = t.principal
      JOIN principal AS p
        ON p.partition = c.partition
       AND p.stream_id = c.stream_id
     WHERE t.hash = p_hash
       AND (t.expires_at IS NULL OR t.expires_at > now())
       AND (t.sign_in IS NULL
            OR EXISTS (SELECT
                         FROM login_session AS s
                        WHERE s.id = t.sign_in
                          AND s.expires_at > now()
                          AND s.seen_at + s.idle > now()))
       AND p.doc ->> 'state' = 'active';
END $$;

-- The row of a sign-in that has not ended, of a principal that may call.
CREATE OR REPLACE FUNCTION credential_of_sign_in_1(p_hash bytea) RETURNS TABLE (
    name text, roles jsonb, associate_id integer, must_change_password boolean,
    generation bigint, sign_in uuid, permanent boolean, seen_at timestamptz, expires_at timestamptz
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT p.name, p.doc -> 'roles', p.associate_id,
           (p.doc ->> 'must_change_password')::boolean,
           c.generation, s.id, s.permanent, s.seen_at, s.expires_at
      FROM login_session AS s
      JOIN credential AS c
        ON c.principal = s.principal
      JOIN principal AS p
        ON p.partition = c.partition
       AND p.stream_id = c.stream_id
     WHERE s.hash = p_hash
       AND s.expires_at > now()
       AND s.seen_at + s.idle > now()
       AND p.doc ->> 'state' = 'active';
END $$;
