-- The films of each genre.
SELECT toString(arrayJoin(genres)) AS genre, groupArray(tmdb_id) AS films
FROM films FINAL
GROUP BY genre
SETTINGS max_threads = 1
