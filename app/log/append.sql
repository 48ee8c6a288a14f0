-- name: append
-- $1 partition
-- a context: $2 actor   $3 metadata   $4 view table   $5 account whose present name answers show;
--            null: no answer shows any
-- a command: $6 number of its context, from 1   $7 stream   $8 expected version
--            $9 id of the event at that version, null: none has any
--            $10 number of its events; null: each has one   $11 view document
--            $12 wrapped new key, $13 idempotency key, $14 fingerprint; null: none has any
-- an event, those of a command together:   $15 topic   $16 state   $17 id
-- $18 all commands or none   $19 what the log recognises its master key by; null: anything
-- The statement is the transaction: its answer arrives after its commit.
SELECT a.head, a.present, a.account_name,
       a.outcome, a.stream, a.version, a.position, a.recorded_at
  FROM append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
              $18, $19) AS a;
