-- Of popularity_numbers.sql, here `film_days`, what the orders of the last seven days compare: nothing of two and of
-- fourteen days before. What is not asked for is not read.
SELECT tmdb_id, p0, p1, p7, v0, v7
FROM film_days
SETTINGS max_threads = 1
