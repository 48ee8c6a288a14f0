-- The rights of the service's role, which PUBLIC does not have. This is not a numbered migration: a
-- dump may be restored without its role and grants, so every `migrate` and `serve` checks this.
-- Each new table, sequence or function of the service needs a line here, except the tables of the
-- views and of their histories.

-- name: amiss
-- $1 role of the service   $2 tables of the views and of their histories; the faults, each with the
-- statement that mends it, in the order in which these must run; objects that the migrations have
-- not yet made are passed over
WITH role AS (
    SELECT (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = $1) AS oid, quote_ident($1) AS name
), table_right(name, privilege, columns) AS (
    SELECT t.name, 'SELECT', NULL::text[]
      FROM unnest(ARRAY['log_partition', 'stored_events', 'stream_key', 'recorded_event',
                        'idempotency_key', 'log_setting', 'schema_migration',
                        'refusal', 'lease', 'follower_checkpoint', 'event_index',
                        'rebuild', 'rebuild_range', 'rebuild_ask', 'view_version', 'view_behind',
                        'view_kept',
                        'quarantine', 'activity', 'activity_actor', 'history_reach', 'deed',
                        'person_term', 'term_to_forget', 'tree', 'tree_tile', 'log_checkpoint',
                        'signing_key', 'receipt', 'backup_begun']
                  || $2::text[]) AS t(name)
    UNION ALL
    -- The view of each partition.
    SELECT c.relname, 'SELECT', NULL
      FROM pg_class AS c
     WHERE c.relnamespace = to_regnamespace('public')
       AND c.relkind = 'v'
       AND c.relname ~ '^stored_events_[0-9]+$'
    UNION ALL
    -- (Nobody but the owner reads hashes in bulk, or writes any but with its event.)
    VALUES ('login_session', 'SELECT', ARRAY['id', 'principal', 'permanent', 'opened_at',
                                             'seen_at', 'idle', 'expires_at',
                                             'sealed_address', 'means']),
           ('login_session', 'UPDATE', ARRAY['seen_at']),
           ('token', 'SELECT', ARRAY['id', 'principal', 'label', 'issued_by', 'issued_at',
                                     'expires_at', 'sign_in', 'last_used_at']),
           ('token', 'UPDATE', ARRAY['last_used_at']),
           ('refusal', 'INSERT', NULL),
           ('refusal', 'UPDATE', NULL),
           ('refusal', 'DELETE', NULL),
           ('lease', 'INSERT', NULL),
           ('lease', 'UPDATE', NULL)
), sequence_right(name) AS (
    VALUES ('chat_session_number'), ('chat_message_number'), ('associate_number')
), function_right(name) AS (
    VALUES ('append_1'), ('draw_numbers_1'), ('last_drawn_1'), ('try_room_1'),
           ('pass_over_session_numbers_1'), ('pass_over_message_numbers_1'),
           ('append_principal_1'), ('credential_of_name_1'), ('credential_of_token_1'),
           ('credential_of_sign_in_1'), ('settle_1'), ('waiting_1'), ('follow_history_1'),
           ('redrive_history_1'), ('follow_activity_1'), ('redrive_activity_1'),
           ('follow_people_1'), ('redrive_people_1'),
           ('quarantine_1'), ('redrive_1'), ('restart_follower_1'),
           ('ask_rebuild_1'), ('steer_rebuild_1'), ('held_1'), ('follow_tree_1'),
           ('keep_checkpoint_1'), ('mark_checkpoints_1'), ('thin_checkpoints_1'),
           ('add_signing_key_1'), ('renew_rows_1'), ('erase_1'), ('erase_fresh_2'),
           ('draft_receipt_1'), ('issue_receipt_1'), ('read_ends_1'), ('read_back_1'), ('cut_at_1'),
           ('counted_1'), ('strays_1'), ('behind_1'), ('far_behind_1'), ('uncovered_1'),
           ('stream_ends_1'), ('people_found_1'), ('newest_found_1'), ('activity_read_1'),
           ('partitions_1')
     UNION ALL
    -- (There are two for each view.)
    SELECT p.proname
      FROM pg_proc AS p
     WHERE p.pronamespace = to_regnamespace('public')
       AND p.proname ~ '^(look_up|load)_.*_1$'
), guarded(name) AS (
    -- What changes only by functions of ours. (Not all tables: a newer release may grant rights on
    -- its own, and a worker of this one leaves them.)
    SELECT t.name
      FROM unnest(ARRAY['log_partition', 'stored_events', 'stream_key', 'recorded_event',
                        'idempotency_key', 'log_setting', 'schema_migration', 'credential',
                        'follower_checkpoint', 'event_index', 'rebuild', 'rebuild_range',
                        'rebuild_ask', 'view_version', 'view_behind', 'view_kept', 'quarantine',
                        'activity', 'activity_actor', 'history_reach', 'person_term', 'term_to_forget',
                        'tree', 'tree_tile', 'log_checkpoint', 'signing_key', 'receipt',
                        'backup_begun']
                  || $2::text[]) AS t(name)
), relation AS (
    SELECT c.oid, c.relname AS name, c.relacl AS acl, c.relkind = 'S' AS is_sequence
      FROM pg_class AS c
     WHERE c.relnamespace = to_regnamespace('public')
       AND c.relname IN (SELECT t.name FROM table_right AS t
                          UNION ALL
                         SELECT s.name FROM sequence_right AS s
                          UNION ALL
                         SELECT 'credential')
), routine AS (
    -- All routines of the log's owner, whatever their names; not those of extensions.
    SELECT p.oid, p.proname AS name, p.oid::regprocedure AS signature,
           coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
      FROM pg_proc AS p
     WHERE p.pronamespace = to_regnamespace('public')
       AND p.proowner = (SELECT c.relowner
                           FROM pg_class AS c
                          WHERE c.oid = to_regclass('public.stored_events'))
       AND NOT EXISTS (SELECT
                         FROM pg_depend AS d
                        WHERE d.classid = 'pg_proc'::regclass
                          AND d.objid = p.oid
                          AND d.deptype = 'e')
), found(step, what, statement) AS (
    SELECT 1, format('there is no role %s', role.name),
           format('DO $make$ BEGIN CREATE ROLE %s NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB '
                  'NOCREATEROLE; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; '
                  'END $make$', role.name)
      FROM role
     WHERE role.oid IS NULL
    UNION ALL
    -- The creator of a role may not yet take it on, unless a superuser.
    SELECT 2, format('%I may not take on the role %s', current_user, role.name),
           format('GRANT %s TO %I', role.name, current_user)
      FROM role
     -- (A login with only the service's rights got them in some other way.)
     WHERE current_user = coalesce((SELECT pg_get_userbyid(c.relowner)
                                      FROM pg_class AS c
                                     WHERE c.oid = to_regclass('public.stored_events')),
                                   current_user)
       AND NOT CASE
                   WHEN role.oid IS NULL
                   THEN (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user)
                   WHEN current_setting('server_version_num')::integer >= 160000
                   THEN pg_has_role(role.oid, 'SET')
                   ELSE pg_has_role(role.oid, 'MEMBER')
               END
    UNION ALL
    SELECT 3, format('%s may not use the schema public', role.name),
           format('GRANT USAGE ON SCHEMA public TO %s', role.name)
      FROM role
     WHERE NOT has_schema_privilege(coalesce(role.oid, 0), to_regnamespace('public'), 'USAGE')
        -- (The role may lose a right that it has through PUBLIC.)
        OR has_schema_privilege(to_regnamespace('public'), 'USAGE WITH GRANT OPTION')
           AND NOT EXISTS (SELECT
                             FROM pg_namespace AS n
                            CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
                            WHERE n.oid = to_regnamespace('public')
                              AND a.grantee = role.oid
                              AND a.privilege_type = 'USAGE')
    UNION ALL
    SELECT 4, format('%s may not %s %I', role.name, t.privilege, r.name),
           format('GRANT %s%s ON TABLE public.%I TO %s', t.privilege,
                  ' (' || array_to_string(made.columns, ', ') || ')', r.name, role.name)
      FROM role
     CROSS JOIN table_right AS t
      JOIN relation AS r
        ON r.name = t.name
     CROSS JOIN LATERAL (
              SELECT array_agg(w.name ORDER BY w.place)
                FROM unnest(t.columns) WITH ORDINALITY AS w(name, place)
                JOIN pg_attribute AS c
                  ON c.attrelid = r.oid
                 AND c.attname = w.name) AS made(columns)
     WHERE NOT EXISTS (SELECT
                         FROM aclexplode(r.acl) AS a
                        WHERE a.grantee = role.oid
                          AND a.privilege_type = t.privilege)
       AND (t.columns IS NULL
            OR EXISTS (SELECT
                         FROM unnest(made.columns) AS w(name)
                        WHERE NOT EXISTS (SELECT
                                            FROM pg_attribute AS c
                                           CROSS JOIN LATERAL aclexplode(c.attacl) AS a
                                           WHERE c.attrelid = r.oid
                                             AND c.attname = w.name
                                             AND a.grantee = role.oid
                                             AND a.privilege_type = t.privilege)))
    UNION ALL
    SELECT 5, format('%s may not use %I', role.name, r.name),
           format('GRANT USAGE ON SEQUENCE public.%I TO %s', r.name, role.name)
      FROM role
     CROSS JOIN sequence_right AS s
      JOIN relation AS r
        ON r.name = s.name
     WHERE NOT EXISTS (SELECT
                         FROM aclexplode(r.acl) AS a
                        WHERE a.grantee = role.oid
                          AND a.privilege_type = 'USAGE')
    UNION ALL
    SELECT 6, format('%s may not execute %s', role.name, r.name),
           format('GRANT EXECUTE ON ROUTINE %s TO %s', r.signature, role.name)
      FROM role
     CROSS JOIN function_right AS f
      JOIN routine AS r
        ON r.name = f.name
     WHERE NOT EXISTS (SELECT
                         FROM aclexplode(r.acl) AS a
                        WHERE a.grantee = role.oid
                          AND a.privilege_type = 'EXECUTE')
    UNION ALL
    SELECT 7, format('everybody (PUBLIC) may execute %s', r.name),
           format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', r.signature)
      FROM routine AS r
     WHERE EXISTS (SELECT FROM aclexplode(r.acl) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 8, format('everybody (PUBLIC) has rights on %I', r.name),
           format('REVOKE ALL ON %s public.%I FROM PUBLIC',
                  CASE WHEN r.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, r.name)
      FROM relation AS r
     WHERE EXISTS (SELECT FROM aclexplode(r.acl) AS a WHERE a.grantee = 0)
        OR EXISTS (SELECT
                     FROM pg_attribute AS c
                    CROSS JOIN LATERAL aclexplode(c.attacl) AS a
                    WHERE c.attrelid = r.oid
                      AND a.grantee = 0)
    UNION ALL
    SELECT 9, format('%s may %s %I', role.name, x.privileges, r.name),
           format('REVOKE %s ON TABLE public.%I FROM %s', x.privileges, r.name, role.name)
      FROM role
     CROSS JOIN guarded AS g
      JOIN relation AS r
        ON r.name = g.name
     CROSS JOIN LATERAL (
              SELECT string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
                FROM aclexplode(r.acl) AS a
               WHERE a.grantee = role.oid
                 AND a.privilege_type <> 'SELECT'
               UNION ALL
              SELECT format('%s (%I)', a.privilege_type, c.attname)
                FROM pg_attribute AS c
               CROSS JOIN LATERAL aclexplode(c.attacl) AS a
               WHERE c.attrelid = r.oid
                 AND a.grantee = role.oid
                 AND a.privilege_type <> 'SELECT') AS x(privileges)
     WHERE x.privileges IS NOT NULL
    UNION ALL
    -- A function or operator there could take the place of one that a function of the owner calls.
    SELECT 10, format('everybody (PUBLIC) may make things in the schema public, which belongs to '
                      '%s', n.nspowner::regrole),
           'REVOKE CREATE ON SCHEMA public FROM PUBLIC'
      FROM pg_namespace AS n
     CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
     WHERE n.oid = to_regnamespace('public')
       AND a.grantee = 0
       AND a.privilege_type = 'CREATE'
)
SELECT f.what, f.statement
  FROM found AS f
 ORDER BY f.step, f.what;

-- name: beyond_service
-- $1 tables of the views, and others that only an append may change   $2 role; null: of this session
-- The login, and the rights in words by which it could change the log in another
-- way, or make itself a login that can. (A connection may take on a role, and put it off again.)
WITH login AS (
    SELECT r.*
      FROM pg_roles AS r
     WHERE r.rolname = coalesce($2, session_user)
), thing(owner, words) AS (
    SELECT d.datdba, format('is or may become %s, who owns the database', d.datdba::regrole)
      FROM pg_database AS d
     WHERE d.datname = current_database()
     UNION ALL
    SELECT n.nspowner, format('is or may become %s, who owns the schema public', n.nspowner::regrole)
      FROM pg_namespace AS n
     WHERE n.oid = to_regnamespace('public')
     UNION ALL
    SELECT c.relowner, format('is or may become %s, who owns the log', c.relowner::regrole)
      FROM pg_class AS c
     WHERE c.oid = to_regclass('public.stored_events')
     UNION ALL
    SELECT r.oid, format('is a member of %s', r.rolname)
      FROM pg_roles AS r
     WHERE r.rolname IN ('pg_write_all_data', 'pg_maintain', 'pg_execute_server_program',
                         'pg_read_server_files', 'pg_write_server_files', 'pg_signal_backend',
                         'pg_create_subscription')
), found(step, words) AS (
    SELECT 1, 'is a superuser' FROM login WHERE login.rolsuper
     UNION ALL
    SELECT 2, format('has %s', a.attribute)
      FROM login
     CROSS JOIN LATERAL (
              VALUES ('CREATEROLE', login.rolcreaterole), ('CREATEDB', login.rolcreatedb),
                     ('REPLICATION', login.rolreplication), ('BYPASSRLS', login.rolbypassrls))
           AS a(attribute, is_so)
     WHERE a.is_so
       AND NOT login.rolsuper
     UNION ALL
    SELECT 3, t.words
      FROM login
      JOIN thing AS t
        ON pg_has_role(login.oid, t.owner, 'MEMBER')
     WHERE NOT login.rolsuper
     UNION ALL
    SELECT 4, 'may make things in the schema public'
      FROM login
     WHERE has_schema_privilege(login.oid, to_regnamespace('public'), 'CREATE')
       AND NOT login.rolsuper
     UNION ALL
    SELECT 5, format('may change %I', t.name)
      FROM login
     CROSS JOIN unnest($1::text[]) AS t(name)
      JOIN pg_class AS c
        ON c.oid = to_regclass(format('public.%I', t.name))
     WHERE has_table_privilege(login.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
       AND NOT login.rolsuper
)
SELECT login.rolname::text AS login,
       ARRAY(SELECT DISTINCT ON (f.step, f.words) f.words
               FROM found AS f
              ORDER BY f.step, f.words) AS found
  FROM login;

-- name: let_log_in
-- $1 role   $2 verifier of its password; null: it has none. Returns the statement.
SELECT format('ALTER ROLE %I LOGIN', $1::text) || coalesce(format(' PASSWORD %L', $2::text), '');

-- name: owner_password
-- For the single-user mode, which knows no binds: {owner}, and {verifier} of its password.
ALTER ROLE {owner} PASSWORD '{verifier}'
