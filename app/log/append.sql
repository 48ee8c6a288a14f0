-- name: append
-- $1 partition
-- a context: $2 actor   $3 metadata   $4 view table   $16 account whose present name answers show
-- a command: $5 number of its context, from 1   $6 stream   $7 expected version
--            $8 number of its events; null: each has one   $9 view document
--            $10 wrapped new key, $11 idempotency key, $12 fingerprint; null: none has any
-- an event, those of a command together:   $13 topic   $14 state   $15 id
-- $17 all commands or none
-- The statement is the transaction: its answer arrives after its commit.
WITH account AS MATERIALIZED (
    SELECT array_agg((SELECT i.name FROM account_info AS i WHERE i.account_id = x.id LIMIT 1)
                     ORDER BY x.number) AS names
      FROM unnest($16::text[]) WITH ORDINALITY AS x(id, number)
)
SELECT a.outcome, a.stream_id, a.version, a.position, a.recorded_at,
       (SELECT names FROM account)[a.context] AS account_name
  FROM ROWS FROM (
           append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17),
           unnest($5::integer[])
       ) AS a(outcome, stream_id, version, position, recorded_at, context);
