-- As movie_mentions.sql tells it, a row a day, of days that are kept.
SELECT
    day, communities, methods, confidences, sentiment_n, sentiment_sum, sentiment_squares, positive, negative
FROM film_mention_days FINAL
WHERE tmdb_id = {tmdb_id:Int64} AND day IN {days:Array(Date)} AND notEmpty(at_ms)
SETTINGS max_threads = 1
