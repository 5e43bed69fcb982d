-- The film-days whose counts differ most.
SELECT d.day AS day, d.tmdb_id AS tmdb_id, f.title AS title, d.live AS live, d.replayed AS replayed,
    d.replayed - d.live AS change
FROM {shadow:Identifier}.count_differences AS d
LEFT JOIN (SELECT tmdb_id, any(title) AS title FROM films GROUP BY tmdb_id) AS f ON f.tmdb_id = d.tmdb_id
ORDER BY abs(change) DESC, d.day, d.tmdb_id
LIMIT {limit:UInt32}
