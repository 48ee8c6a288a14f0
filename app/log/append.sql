-- name: append
-- $1 partition
-- a context: $2 actor   $3 metadata   $4 view table   $5 account whose present name answers show;
--            null: no answer shows any
-- a command: $6 number of its context, from 1   $7 stream   $8 expected version
--            $9 number of its events; null: each has one   $10 view document
--            $11 wrapped new key, $12 idempotency key, $13 fingerprint; null: none has any
-- an event, those of a command together:   $14 topic   $15 state   $16 id
-- $17 all commands or none
-- The statement is the transaction: its answer arrives after its commit.
SELECT a.head, a.present, a.account_name,
       a.outcome, a.stream, a.version, a.position, a.recorded_at
  FROM append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) AS a;
