-- What a film's mentions since a day are like, of posts written by an instant, unless it is 0: by `told` one row a
-- 'community'; one a 'method' and location, how the linker decided; one a 'day'; and one of 'all'. Film and day are of the
-- sorting key, the same in every version of a mention, so they may be looked at before versions are merged: a third of
-- the time. A mention never leaves its month. sentiment_*: how they speak of the film, of those whose posts hold it in a
-- sentence; a link has none. Below 20 nothing is said: an interval of fewer is no guide.
SELECT
    multiIf(grouping(community) = 0, 'community', grouping(method) = 0, 'method', grouping(day) = 0, 'day', 'all') AS told,
    community,
    method,
    location,
    day,
    count() AS mentions,
    round(avg(confidence), 3) AS mean_confidence,
    count(sentiment) AS sentiment_n,
    if(sentiment_n < 20, NULL, avg(sentiment)) AS sentiment_mean,
    if(sentiment_n < 20, NULL, 1.96 * stddevSamp(sentiment) / sqrt(sentiment_n)) AS sentiment_margin,
    if(sentiment_n < 20, NULL, countIf(sentiment >= 0.05) / sentiment_n) AS positive_share,
    if(sentiment_n < 20, NULL, countIf(sentiment <= -0.05) / sentiment_n) AS negative_share
FROM
(
    SELECT community, method, location, toDate(created_at) AS day, confidence, sentiment
    FROM mentions FINAL
    PREWHERE tmdb_id = {tmdb_id:Int64} AND toDate(created_at) >= {since:Date}
    WHERE {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
)
GROUP BY GROUPING SETS ((community), (method, location), (day), ())
ORDER BY mentions DESC, community, method, location
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
