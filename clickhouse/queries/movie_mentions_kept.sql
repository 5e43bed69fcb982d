-- As movie_mentions.sql tells it, without posts, of days that are kept. Without settings, so that it can come first.
SELECT
    day, communities, methods, confidences, sentiment_n, sentiment_sum, sentiment_squares, positive, negative,
    [] AS newest
FROM film_mention_days FINAL
WHERE tmdb_id = {tmdb_id:Int64} AND day IN {kept:Array(Date)} AND notEmpty(at_ms)
