-- name: append
-- $1 partition
-- a context: $2 actor   $3 metadata   $4 view table   $5 account whose present name answers show;
--            null: no answer shows a name
-- a command: $6 number of its context, from 1   $7 stream   $8 expected version
--            $9 id of the event at that version; null: no command names one
--            $10 number of its events; null: each command has one   $11 view document
--            $12 further values to search its row by; null: no command has any
--            $13 wrapped new key, $14 idempotency key, $15 fingerprint; null: no command has any
-- a row of another view: $16 number of its command   $17 table   $18 document
--            $19 as $12; all null: no such rows
-- an event, grouped by command:   $20 topic   $21 state   $22 id
-- $23 all commands or none   $24 check value of the master key; null: not compared
-- The statement is the transaction: its answer arrives after its commit.
SELECT a.head, a.present, a.account_name,
       a.outcome, a.stream, a.version, a.position, a.recorded_at
  FROM append_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                $18, $19, $20, $21, $22, $23, $24) AS a;

-- name: append_one
-- As `append`, for one command with one event, the most frequent case. With single values, both
-- sides together spend 40 µs less than with a dozen arrays of one.
-- $1 partition
-- its context: $2 actor   $3 metadata   $4 view table   $5 account whose present name is shown
-- $6 stream   $7 expected version   $8 id of the event at that version   $9 view document
-- $10 further values to search its row by
-- $11 wrapped new key   $12 idempotency key   $13 fingerprint
-- $14 topic   $15 state   $16 id of the event
-- $17 as $23 above   $18 as $24 above
SELECT a.head, a.present, a.account_name,
       a.outcome, a.stream, a.version, a.position, a.recorded_at
  FROM append_1($1, ARRAY[$2], ARRAY[$3::jsonb], ARRAY[$4],
                CASE WHEN $5::text IS NOT NULL THEN ARRAY[$5] END,
                ARRAY[1], ARRAY[$6::uuid], ARRAY[$7::bigint],
                CASE WHEN $8::uuid IS NOT NULL THEN ARRAY[$8] END,
                NULL, ARRAY[$9::jsonb],
                CASE WHEN $10::jsonb IS NOT NULL THEN ARRAY[$10] END,
                CASE WHEN $11::bytea IS NOT NULL THEN ARRAY[$11] END,
                CASE WHEN $12::text IS NOT NULL THEN ARRAY[$12] END,
                CASE WHEN $13::bytea IS NOT NULL THEN ARRAY[$13] END,
                NULL, NULL, NULL, NULL,
                ARRAY[$14], ARRAY[$15::bytea], ARRAY[$16::uuid], $17, $18) AS a;
