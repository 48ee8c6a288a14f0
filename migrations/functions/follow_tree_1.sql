-- Puts the next events of a partition into its tree, all or nothing. Returns false, and does nothing, in
-- the cases of `move_follower_1`.

CREATE OR REPLACE FUNCTION follow_tree_1(
    p_partition integer,
    p_token     bigint,   -- of the lease
    p_after     bigint,   -- position up to which the follower is done
    p_upto      bigint,   -- position up to which it then is
    p_last      uuid,     -- id of the event there
    p_frontier  bytea,    -- of the tree that ends there
    -- one entry for each row of hashes that grows
    t_level     integer[],
    t_index     bigint[],
    t_before    integer[],  -- bytes that it had before
    t_hashes    bytea[],    -- what is added to it
    p_note      text      -- a signed checkpoint of the tree that ends there; null: none is due
) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT move_follower_1(p_partition, 'tree', p_token, p_after, p_upto, p_last) THEN
        RETURN false;
    END IF;
    INSERT INTO tree_tile AS t (partition, level, tile_index, hashes)
    SELECT p_partition, n.level, n.tile_index, n.hashes
      FROM unnest(t_level, t_index, t_before, t_hashes) AS n(level, tile_index, before, hashes)
     WHERE n.before = 0
        ON CONFLICT (partition, level, tile_index) DO UPDATE
       SET hashes = excluded.hashes;
    UPDATE tree_tile AS t
       SET hashes = substring(t.hashes FOR n.before) || n.hashes
      FROM unnest(t_level, t_index, t_before, t_hashes) AS n(level, tile_index, before, hashes)
     WHERE n.before > 0
       AND t.partition = p_partition
       AND t.level = n.level
       AND t.tile_index = n.tile_index;
    INSERT INTO tree AS t (partition, size, frontier, last_event)
    VALUES (p_partition, p_upto, p_frontier, p_last)
        ON CONFLICT (partition) DO UPDATE
       SET size = excluded.size,
           frontier = excluded.frontier,
           last_event = excluded.last_event;
    IF p_note IS NOT NULL THEN
        INSERT INTO log_checkpoint (partition, size, note) VALUES (p_partition, p_upto, p_note);
    END IF;
    RETURN true;
END $$;

-- Keeps a signed checkpoint of a tree that has grown so far. Returns its number; null: it has not, or
-- the last one kept says the same.
CREATE OR REPLACE FUNCTION keep_checkpoint_1(
    p_partition integer,
    p_size      bigint,
    p_note      text
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    kept bigint;
BEGIN
    PERFORM
       FROM tree AS t
      WHERE t.partition = p_partition
        AND t.size >= p_size
        FOR SHARE;
    IF NOT FOUND
       OR p_note IS NOT DISTINCT FROM (SELECT c.note
                                         FROM log_checkpoint AS c
                                        WHERE c.partition = p_partition
                                        ORDER BY c.number DESC
                                        LIMIT 1) THEN
        RETURN NULL;
    END IF;
    INSERT INTO log_checkpoint (partition, size, note)
    VALUES (p_partition, p_size, p_note)
    RETURNING number INTO kept;
    RETURN kept;
END $$;

-- Marks checkpoints that the log does not fit any more. They stay.
CREATE OR REPLACE FUNCTION mark_checkpoints_1(p_numbers bigint[]) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
UPDATE log_checkpoint
   SET unfit_since = now()
 WHERE number = ANY (p_numbers)
   AND unfit_since IS NULL
$$;

-- Leaves of older checkpoints the last one of each minute, hour or day. Those that do not fit stay.
CREATE OR REPLACE FUNCTION thin_checkpoints_1() RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DELETE FROM log_checkpoint AS c
 USING (SELECT k.number,
               row_number() OVER (PARTITION BY k.partition, CASE
                                      WHEN k.signed_at > now() - interval '1 day'
                                      THEN date_trunc('minute', k.signed_at, 'UTC')
                                      WHEN k.signed_at > now() - interval '90 days'
                                      THEN date_trunc('hour', k.signed_at, 'UTC')
                                      ELSE date_trunc('day', k.signed_at, 'UTC')
                                  END
                                  ORDER BY k.number DESC) AS place
          FROM log_checkpoint AS k
         WHERE k.signed_at < now() - interval '1 hour'
           AND k.unfit_since IS NULL) AS old
 WHERE c.number = old.number
   AND old.place > 1
$$;

-- Adds the first key of an algorithm; does nothing if there is one that signs.
CREATE OR REPLACE FUNCTION add_signing_key_1(
    p_algorithm integer,
    p_public    bytea,
    p_sealed    bytea
) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
INSERT INTO signing_key (algorithm, public, sealed)
VALUES (p_algorithm, p_public, p_sealed)
    ON CONFLICT (algorithm) WHERE until IS NULL DO NOTHING
$$;
