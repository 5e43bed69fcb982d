-- A film's mentions by day, where it has any.
SELECT day, mentions AS value
FROM film_counts FINAL
WHERE tmdb_id = {tmdb_id:Int64} AND day BETWEEN {first_day:Date} AND {last_day:Date}
SETTINGS max_threads = 1
