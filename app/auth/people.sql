-- name: everybody
SELECT doc, partition, version, position, created_by, created_at, modified_by, modified_at
  FROM principal
 WHERE name <> ''
 ORDER BY name;

-- name: one
-- $1 name
SELECT doc, partition, version, position, created_by, created_at, modified_by, modified_at
  FROM principal
 WHERE name = $1
 LIMIT 1;

-- name: draw
SELECT d.number,
       EXISTS (SELECT FROM principal AS p WHERE p.associate_id = d.number) AS taken
  FROM unnest(draw_numbers_1('associate_number', 1)) AS d(number);
