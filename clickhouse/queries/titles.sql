-- Titles of the films given, where the catalogue has them.
SELECT tmdb_id, title, release_date
FROM films FINAL
WHERE tmdb_id IN {films:Array(Int64)}
