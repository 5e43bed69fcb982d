-- The newest posts of days that mention the film, written by an instant unless it is 0: ids only, from which
-- addresses are built.
SELECT
    platform, post_id, thread_id, community, kind, location, method, confidence, score,
    toUnixTimestamp64Milli(created_at) AS created_at_ms
FROM mentions FINAL
PREWHERE toDate(created_at) IN {days:Array(Date)} AND tmdb_id = {tmdb_id:Int64}
WHERE {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
ORDER BY created_at DESC, post_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
