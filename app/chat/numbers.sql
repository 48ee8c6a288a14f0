-- name: draw
-- $1 sequence   $2 number of draws; returns fewer at the end of the sequence
SELECT draw_numbers_1($1, $2);

-- name: largest
-- Only of existing sessions: a deleted one may have a larger number.
SELECT max(chat_session_id)
  FROM chat_session_entity;

-- name: taken
-- $1 numbers, $2 partitions, $3 streams: of equal length
-- Returns the numbers whose streams have events.
SELECT wanted.number
  FROM unnest($1::integer[], $2::integer[], $3::uuid[]) AS wanted(number, partition, stream)
  JOIN stored_events AS s
    ON s.partition = wanted.partition
   AND s.originator_id = wanted.stream
   AND s.originator_version = 1;

-- name: pass_over_sessions
-- $1 partition   $2 stream   $3 its number
SELECT pass_over_session_numbers_1($1, $2, $3);

-- name: pass_over_messages
-- $1 partition   $2 stream of the session
SELECT pass_over_message_numbers_1($1, $2);
