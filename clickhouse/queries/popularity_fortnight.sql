-- Of popularity_numbers.sql, here `film_days`, what the orders compare that look at the week before the last.
SELECT tmdb_id, p0, p1, p2, p7, p14, v0, v7, v14
FROM film_days
SETTINGS max_threads = 1
