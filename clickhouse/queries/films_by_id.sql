-- The films with these ids.
SELECT tmdb_id, title, original_title, release_date, popularity, vote_average, genres, directors
FROM films FINAL
WHERE tmdb_id IN {films:Array(Int64)}
