-- Of popularity_numbers.sql, here `film_days`, what the orders of the last seven days compare.
SELECT tmdb_id, p0, p1, p7, v0, v7
FROM film_days
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
