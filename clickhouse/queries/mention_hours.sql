-- A film's mentions in each hour of a day, against the same hour of the same weekday in the four weeks before: as the
-- burst of a day, a shrunk z. `hours` are the hours asked for, 0 to 23. `known` has an element for each hour of the day
-- and then of the days 7, 14, 21 and 28 days before. Of an hour that the stream has reached in part, the same part of
-- the others counts: what lies at `cut_ms` milliseconds of a day and later is left out. Of the days `kept` by the rows of
-- films and days, of the days `rows` by the mentions.
WITH (counts, hour) -> arrayMap(place -> counts[place],
    arrayFilter(place -> {known:Array(UInt8)}[place] = 1, arrayMap(week -> hour + 24 * week + 1, range(1, 5)))) AS others
SELECT
    hour,
    if({known:Array(UInt8)}[hour + 1] = 1 OR counts[hour + 1] > 0, counts[hour + 1], NULL) AS mentions,
    length(others(counts, hour)) AS usual_weeks,
    if(usual_weeks > 0, arrayAvg(others(counts, hour)), NULL) AS usual,
    if({known:Array(UInt8)}[hour + 1] = 1 AND usual_weeks >= {least_weeks:UInt8},
        (counts[hour + 1] - arrayAvg(others(counts, hour)))
            / sqrt(arraySum(n -> pow(n - arrayAvg(others(counts, hour)), 2), others(counts, hour)) / (usual_weeks - 1)
                + arrayAvg(others(counts, hour)) + 1),
        NULL) AS burst
FROM
(
    SELECT groupArrayInsertAt(0, 120)(mentions, place) AS counts
    FROM
    (
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
    )
)
ARRAY JOIN {hours:Array(UInt8)} AS hour
ORDER BY hour
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
