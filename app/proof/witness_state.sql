-- For SQLite: a witness has a file of its own, and no database of ours.

-- name: cosigners
CREATE TABLE cosigner (
    kind integer PRIMARY KEY,    -- C2SP's byte for the type of signature
    name text NOT NULL,          -- the key's
    private_key blob NOT NULL    -- its seed
);

-- name: seen
CREATE TABLE seen (
    origin text PRIMARY KEY,
    origin_hash text NOT NULL UNIQUE,    -- SHA-256 in hexadecimal, under which monitors ask
    size integer NOT NULL,
    root blob NOT NULL,
    note text NOT NULL                   -- the last checkpoint that was cosigned, with the cosignatures
);

-- name: keys
SELECT kind, name, private_key
  FROM cosigner
 ORDER BY kind;

-- name: keep_key
INSERT INTO cosigner (kind, name, private_key)
VALUES (?, ?, ?);

-- name: last
SELECT size, root, note
  FROM seen
 WHERE origin = ?;

-- name: by_hash
SELECT note
  FROM seen
 WHERE origin_hash = ?;

-- name: move
INSERT INTO seen (origin, origin_hash, size, root, note)
VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (origin) DO UPDATE
   SET size = excluded.size,
       root = excluded.root,
       note = excluded.note;
