-- A film's mentions by day, where it has any.
SELECT day, argMax(mentions, revision) AS value
FROM mention_counts
WHERE tmdb_id = {tmdb_id:Int64} AND day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY day
