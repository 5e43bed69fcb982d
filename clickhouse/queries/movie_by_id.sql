-- The film with that id.
SELECT tmdb_id, title, original_title, release_date, popularity, vote_average, genres, directors
FROM films FINAL
WHERE tmdb_id = {tmdb_id:Int64}
