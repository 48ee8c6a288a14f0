-- name: append
-- $1 partition
-- a command: $2 stream   $3 expected version   $4 number of events   $5 actor   $6 metadata
--            $7 view table   $8 view document   $9 wrapped new key   $10 idempotency key
--            $11 fingerprint   $17 account whose present name the answer shows
-- an event:  $12 number of its command, from 1   $13 nth of the command   $14 topic   $15 state
--            $16 id
-- The statement is the transaction: its answer arrives after its commit.
SELECT a.outcome, a.stream_id, a.version, a.position, a.recorded_at,
       (SELECT i.name FROM account_info AS i WHERE i.account_id = a.shown_id LIMIT 1)
           AS account_name
  FROM ROWS FROM (
           append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16),
           unnest($17::text[])
       ) AS a(outcome, stream_id, version, position, recorded_at, shown_id);
