-- name: lift_time_outs
SET transaction_timeout = 0;
