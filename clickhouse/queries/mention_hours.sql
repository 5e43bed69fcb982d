-- A film's mentions in each hour of a day and of the days 7, 14, 21 and 28 days before it: `place` is the hour of the day,
-- and 24 more for each week before. Of an hour that the stream has reached in part, the same part of the others counts:
-- what lies at `cut_ms` milliseconds of a day and later is left out. Of the days `kept` by the rows of films and days, of
-- the days `rows` by the mentions.
SELECT
    toUInt8(intDiv({day:Date} - toDate(created_at), 7) * 24 + toHour(created_at)) AS place,
    toInt64(count()) AS mentions
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id = {film:Int64}
WHERE toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64}
GROUP BY place
UNION ALL
SELECT
    toUInt8(intDiv({day:Date} - day, 7) * 24 + intDiv(at, 3600000)) AS place,
    toInt64(count()) AS mentions
FROM mention_days FINAL
ARRAY JOIN at_ms AS at
WHERE day IN {kept:Array(Date)} AND tmdb_id = {film:Int64} AND at < {cut_ms:Int64}
GROUP BY place
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
