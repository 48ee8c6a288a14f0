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
  FROM append_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
              $18, $19) AS a;

-- name: append_one
-- As `append` for one command with one event, as most are: for a single value, both sides together
-- spend 40 µs less than for a dozen arrays of one.
-- $1 partition
-- its context: $2 actor   $3 metadata   $4 view table   $5 account whose present name is shown
-- $6 stream   $7 expected version   $8 id of the event at that version   $9 view document
-- $10 wrapped new key   $11 idempotency key   $12 fingerprint
-- $13 topic   $14 state   $15 id of the event
-- $16 as $18 above   $17 as $19 above
SELECT a.head, a.present, a.account_name,
       a.outcome, a.stream, a.version, a.position, a.recorded_at
  FROM append_1($1, ARRAY[$2], ARRAY[$3::jsonb], ARRAY[$4],
              CASE WHEN $5::text IS NOT NULL THEN ARRAY[$5] END,
              ARRAY[1], ARRAY[$6::uuid], ARRAY[$7::bigint],
              CASE WHEN $8::uuid IS NOT NULL THEN ARRAY[$8] END,
              NULL, ARRAY[$9::jsonb],
              CASE WHEN $10::bytea IS NOT NULL THEN ARRAY[$10] END,
              CASE WHEN $11::text IS NOT NULL THEN ARRAY[$11] END,
              CASE WHEN $12::bytea IS NOT NULL THEN ARRAY[$12] END,
              ARRAY[$13], ARRAY[$14::bytea], ARRAY[$15::uuid], $16, $17) AS a;
