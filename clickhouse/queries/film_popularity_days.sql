-- A film's popularity by day, the last one seen of it on each; days without one are left out.
SELECT day, reinterpretAsFloat64(toUInt64(max(h.popularity))) AS value
FROM popularity_histories AS h
WHERE tmdb_id = {tmdb_id:Int64} AND day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY day
HAVING max(h.popularity) > 0
