-- The posts of a day that mention a film, those with most votes and comments first: ids only, from which addresses are built.
SELECT
    platform, post_id, thread_id, community, kind, location, method, confidence, score,
    toUnixTimestamp64Milli(created_at) AS created_at_ms
FROM mentions FINAL
PREWHERE toDate(created_at) = {day:Date} AND tmdb_id = {tmdb_id:Int64}
ORDER BY greatest(score, 0) + ifNull(num_comments, 0) DESC, created_at, post_id
LIMIT {limit:UInt32}
