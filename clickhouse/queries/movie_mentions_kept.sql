-- As movie_mentions.sql tells it, without how far they reach, of days that are kept. Without settings, so that it
-- can come first.
SELECT
    day, communities, methods, confidences, sentiment_n, sentiment_sum, sentiment_squares, positive, negative,
    arrayReduce('sumMap', arrayMap(at -> map(toUInt8(intDiv(at, 3600000)), toUInt64(1)),
        arrayFilter(at -> at < {cut_ms:Int64}, at_ms))) AS hours,
    toFloat64(0) AS engagement_weight,
    [] AS ranks
FROM film_mention_days FINAL
WHERE tmdb_id = {tmdb_id:Int64} AND day IN {kept:Array(Date)} AND notEmpty(at_ms)
