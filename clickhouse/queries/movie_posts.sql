-- The newest posts of days that mention the film, written by an instant unless it is 0: ids only, from which addresses are
-- built, and what clickhouse/post_sums.py adds up.
SELECT
    platform, post_id, thread_id, community, kind, location, method, confidence, score,
    num_comments, sentiment, author_sketch, toUnixTimestamp64Milli(created_at) AS created_at_ms
FROM mentions FINAL
PREWHERE tmdb_id = {tmdb_id:Int64} AND toDate(created_at) IN {days:Array(Date)}
WHERE {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
ORDER BY created_at DESC, post_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
