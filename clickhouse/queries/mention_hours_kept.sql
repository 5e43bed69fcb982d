-- As mention_hours.sql tells the hours, of the days `kept` by the rows of films and days. Without settings, so that it can
-- come first.
SELECT
    day,
    sumMap(map(toUInt8(intDiv(at, 3600000)), toUInt64(1))) AS hours,
    toUInt64(0) AS communities,
    toFloat64(0) AS engagement_weight,
    [] AS ranks
FROM film_mention_days FINAL
ARRAY JOIN at_ms AS at
WHERE day IN {kept:Array(Date)} AND tmdb_id = {film:Int64} AND at < {cut_ms:Int64}
GROUP BY day
