-- Where a film is mentioned on days, by the mentions.
SELECT toDate(created_at) AS day, community, count() AS mentions
FROM mentions FINAL
PREWHERE toDate(created_at) IN {days:Array(Date)} AND tmdb_id = {tmdb_id:Int64}
GROUP BY day, community
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
