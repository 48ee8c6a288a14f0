-- name: load
-- {view}   $1 partitions, $2 streams: of equal length; returns a row for each
-- One statement, so that the view's row, the stream's last event and its key are of one moment.
-- (The keys are compared as a row, as in `look_up`: so the newest version of a row comes first.)
SELECT * FROM load_{view}_1($1, $2);
