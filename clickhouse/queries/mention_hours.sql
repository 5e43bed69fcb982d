-- A film's mentions by UTC day and hour, of those in the first `cut_ms` milliseconds of a day: of an hour that the stream
-- has reached in part, the same part of the other days counts. Of the days `kept` by the rows of films and days, of the
-- days `rows` by the mentions.
SELECT toDate(created_at) AS day, toHour(created_at) AS hour, count() AS mentions
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id = {film:Int64}
WHERE toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64}
GROUP BY day, hour
UNION ALL
SELECT day, toUInt8(intDiv(at, 3600000)) AS hour, count() AS mentions
FROM film_mention_days FINAL
ARRAY JOIN at_ms AS at
WHERE day IN {kept:Array(Date)} AND tmdb_id = {film:Int64} AND at < {cut_ms:Int64}
GROUP BY day, hour
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
