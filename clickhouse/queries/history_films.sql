-- Mentions of the films given on each day of a range. Days without a count have no row.
SELECT tmdb_id AS film, day, mentions, state = 'final' AS is_final
FROM film_counts FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day BETWEEN {first_day:Date} AND {last_day:Date}
SETTINGS max_threads = 1
