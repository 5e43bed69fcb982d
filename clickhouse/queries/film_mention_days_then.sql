-- A film's mentions by day, where it has any, as they were known at the end of the last whole minute before an instant.
SELECT day, argMax(h.mentions, h.revision) AS value
FROM mention_count_history AS h
WHERE tmdb_id = {tmdb_id:Int64} AND day BETWEEN {first_day:Date} AND {last_day:Date}
    AND stored_in < toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY day
