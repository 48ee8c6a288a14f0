-- name: try_to_write
-- A commit that needs everything: memory, disk, standby.
INSERT INTO lease (name, holder, until)
VALUES ('try_to_write', gen_random_uuid(), now())
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder,
       until = excluded.until;

-- name: try_room
SELECT try_room_1();
