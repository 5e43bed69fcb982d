-- Of popularity_numbers.sql, here `film_days`, what groups of films compare.
SELECT tmdb_id, p0, p1, p7, p14, v0, v1, v7, v14, s0
FROM film_days
SETTINGS max_threads = 1
