-- For the films given: mentions of the period before, up to the same elapsed share, and communities of the period, by the
-- mentions of the days given.
SELECT
    tmdb_id,
    countIf(created_at < fromUnixTimestamp64Milli({previous_cut_ms:Int64}, 'UTC')) AS previous,
    groupUniqArrayIf(community::String, toDate(created_at) >= {first_day:Date}) AS communities
FROM mentions FINAL
PREWHERE toDate(created_at) IN {days:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
GROUP BY tmdb_id
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
