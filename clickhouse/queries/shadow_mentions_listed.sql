-- The first mentions that differ, those that only one side has before those that both have.
SELECT d.day AS day, d.difference AS difference, d.tmdb_id AS tmdb_id, f.title AS title, d.post_id AS post_id,
    d.columns AS columns, d.replayed AS replayed, d.live AS live
FROM {shadow:Identifier}.mention_differences AS d
LEFT JOIN (SELECT tmdb_id, any(title) AS title FROM films GROUP BY tmdb_id) AS f ON f.tmdb_id = d.tmdb_id
ORDER BY d.difference = 'differing', d.day, d.tmdb_id, d.post_id
LIMIT {limit:UInt32}
