-- A film's popularity by day, the last one seen of it on each; days without one are left out.
SELECT toDate(observed_at) AS day, argMax(s.popularity, (observed_at, revision)) AS value
FROM popularity AS s
WHERE tmdb_id = {tmdb_id:Int64} AND toDate(observed_at) BETWEEN {first_day:Date} AND {last_day:Date}
    AND isNotNull(s.popularity)
GROUP BY day
