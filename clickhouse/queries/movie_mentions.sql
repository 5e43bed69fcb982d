-- What a film's mentions on days are like, of posts written by an instant, unless it is 0: by `told` one row a
-- 'community'; one a 'method' and location, how the linker decided; and one a 'day'. Film and day are of the sorting key,
-- the same in every version of a mention, so they may be looked at before versions are merged: a third of the time. A
-- mention never leaves its month. sentiment_*: how they speak of the film, of those whose posts hold it in a sentence; a
-- link has none.
SELECT
    multiIf(grouping(community) = 0, 'community', grouping(method) = 0, 'method', 'day') AS told,
    community,
    method,
    location,
    toDate(created_at) AS day,
    count() AS mentions,
    sum(confidence) AS confidence_sum,
    count(sentiment) AS sentiment_n,
    ifNull(sum(sentiment), 0) AS sentiment_sum,
    ifNull(sum(sentiment * sentiment), 0) AS sentiment_squares,
    countIf(sentiment >= 0.05) AS positive,
    countIf(sentiment <= -0.05) AS negative
FROM mentions FINAL
PREWHERE toDate(created_at) IN {days:Array(Date)} AND tmdb_id = {tmdb_id:Int64}
WHERE {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
GROUP BY GROUPING SETS ((community), (method, location), (day))
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
