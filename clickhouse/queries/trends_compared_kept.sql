-- As trends_compared.sql tells it, by the rows of films and days.
SELECT
    tmdb_id,
    sum(arrayCount(at -> at < {previous_cut_ms:Int64} - toUnixTimestamp(toDateTime(day, 'UTC')) * 1000, at_ms))
        AS previous,
    groupUniqArrayArray(if(day >= {first_day:Date}, communities, [])::Array(String)) AS communities
FROM mention_days FINAL
WHERE day IN {days:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
GROUP BY tmdb_id
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
