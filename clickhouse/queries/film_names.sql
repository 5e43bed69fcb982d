-- Title and release date of the films given, where they are known.
SELECT tmdb_id, title, release_date
FROM films FINAL
WHERE tmdb_id IN {films:Array(Int64)}
