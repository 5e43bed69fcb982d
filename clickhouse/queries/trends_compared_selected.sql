-- As trends_compared.sql tells it, of a selection of the mentions: see trends_counts_selected.sql.
SELECT
    tmdb_id,
    countIf(created_at < fromUnixTimestamp64Milli({previous_cut_ms:Int64}, 'UTC')) AS previous,
    groupUniqArrayIf(community::String, toDate(created_at) >= {first_day:Date}) AS communities
FROM mentions FINAL
PREWHERE toDate(created_at) IN {days:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
WHERE ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
    AND confidence >= {least_confidence:Float64}
GROUP BY tmdb_id
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
