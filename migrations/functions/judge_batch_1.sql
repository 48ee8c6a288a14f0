-- Decides the outcome of each command of a batch from the contents of the log.
CREATE OR REPLACE FUNCTION judge_batch_1(
    p_partition integer, head bigint, present timestamptz,
    x_actor text[], x_account text[],
    c_context integer[], c_stream uuid[], c_expected bigint[], c_last uuid[], c_events integer[],
    c_sealing_key bytea[], c_key text[], c_fingerprint bytea[],
    e_id uuid[],
    p_atomic boolean,
    OUT outcome text[], OUT stream uuid[], OUT version bigint[], OUT "position" bigint[],
    OUT recorded_at timestamptz[]
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    was     text;
    becomes text;
BEGIN
    WITH asked AS (
        SELECT c.i, c.stream, c.expected, coalesce(c.events, 1) AS events, c.fingerprint,
               coalesce(last.version, 0) AS version,
               coalesce(last.event_id <> c.last, false) AS is_other, sealed.already AS is_sealed,
               c.expected = 0 AND x_account[c.context] IS NOT NULL
                   AND account.is_there IS NULL AS is_astray,
               own.position AS own_position, own.recorded_at AS own_at,
               used.fingerprint AS used_fingerprint, used.stream_id AS used_stream,
               used.version AS used_version
          FROM unnest(c_stream, c_expected, c_last, c_events, c_context, c_sealing_key,
                      c_key, c_fingerprint)
               WITH ORDINALITY AS c(stream, expected, last, events, context, sealing_key,
                                    key, fingerprint, i)
          -- (LIMIT 1 keeps each look-up at one index probe for each command.)
          LEFT JOIN LATERAL (
                   SELECT s.originator_version AS version, s.event_id
                     FROM stored_events AS s
                    WHERE s.partition = p_partition
                      AND s.originator_id = c.stream
                    ORDER BY s.originator_version DESC
                    LIMIT 1
               ) AS last ON true
          -- The same command sent again because its reply was lost: its last event is in the log.
          LEFT JOIN LATERAL (
                   SELECT s.notification_id AS position, s.recorded_at
                     FROM stored_events AS s
                    WHERE last.version > c.expected
                      AND s.partition = p_partition
                      AND s.originator_id = c.stream
                      AND s.originator_version = c.expected + coalesce(c.events, 1)
                      AND s.event_id = ANY (e_id)
                    LIMIT 1
               ) AS own ON true
          LEFT JOIN LATERAL (
                   SELECT k.fingerprint, k.stream_id, k.version
                     FROM idempotency_key AS k
                    WHERE c.key IS NOT NULL
                      AND k.partition = p_partition
                      AND k.principal = x_actor[c.context]
                      AND k.key = c.key
                    LIMIT 1
               ) AS used ON true
          LEFT JOIN LATERAL (
                   SELECT true AS already
                     FROM stream_key AS k
                    WHERE c.sealing_key IS NOT NULL
                      AND k.partition = p_partition
                      AND k.stream_id = c.stream
                    LIMIT 1
               ) AS sealed ON true
          LEFT JOIN LATERAL (
                   SELECT true AS is_there
                     FROM account_info AS i
                    WHERE c.expected = 0
                      AND i.account_id = x_account[c.context]
                    LIMIT 1
               ) AS account ON true
    ), judged AS (
        SELECT a.*,
               CASE
                   WHEN a.own_position IS NOT NULL THEN 'already'
                   WHEN a.used_fingerprint = a.fingerprint THEN 'replayed'
                   WHEN a.used_fingerprint IS NOT NULL THEN 'key_reused'
                   WHEN a.version <> a.expected OR a.is_other OR a.is_sealed THEN 'conflict'
                   WHEN a.is_astray THEN 'no_account'
                   ELSE 'appended'
               END AS outcome
          FROM asked AS a
    ), placed AS (
        SELECT j.*,
               sum(j.events) FILTER (WHERE j.outcome = 'appended') OVER (ORDER BY j.i) AS upto
          FROM judged AS j
    )
    SELECT array_agg(p.outcome ORDER BY p.i),
           array_agg(CASE p.outcome WHEN 'replayed' THEN p.used_stream ELSE p.stream END
                     ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'replayed' THEN p.used_version
                         WHEN 'conflict' THEN p.version
                         WHEN 'no_account' THEN p.version
                         ELSE p.expected + p.events
                     END ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'appended' THEN head + p.upto
                         WHEN 'already' THEN p.own_position
                     END ORDER BY p.i),
           array_agg(CASE p.outcome
                         WHEN 'appended' THEN present
                         WHEN 'already' THEN p.own_at
                     END ORDER BY p.i)
      INTO outcome, stream, version, position, recorded_at
      FROM placed AS p;

    IF p_atomic AND outcome && ARRAY['conflict', 'key_reused', 'no_account'] THEN
        IF 'already' = ANY (outcome) THEN
            -- The batch was sent again after it was committed as a whole. Only a command without
            -- events can then conflict: it left no event to recognise it by, and its stream has
            -- moved on since.
            was := 'conflict';
            becomes := 'already';
        ELSE
            was := 'appended';
            becomes := 'held_back';
        END IF;
        SELECT array_agg(CASE r.outcome WHEN was THEN becomes ELSE r.outcome END ORDER BY r.i),
               array_agg(CASE r.outcome WHEN was THEN r.expected ELSE r.version END ORDER BY r.i),
               array_agg(CASE WHEN r.outcome <> was THEN r.position END ORDER BY r.i),
               array_agg(CASE WHEN r.outcome <> was THEN r.at END ORDER BY r.i)
          INTO outcome, version, position, recorded_at
          FROM unnest(outcome, c_expected, version, position, recorded_at)
               WITH ORDINALITY AS r(outcome, expected, version, position, at, i);
    END IF;
END $$;
