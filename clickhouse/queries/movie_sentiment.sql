-- How a film's mentions from a day on speak of it, by day, and together where is_total is 1. Below 20 nothing is said: an
-- interval of fewer is no guide. Of mentions whose posts hold the film in a sentence; a link has none.
SELECT
    grouping(day) AS is_total,
    day,
    count(sentiment) AS sentiment_n,
    if(sentiment_n < 20, NULL, avg(sentiment)) AS sentiment_mean,
    if(sentiment_n < 20, NULL, 1.96 * stddevSamp(sentiment) / sqrt(sentiment_n)) AS sentiment_margin,
    if(sentiment_n < 20, NULL, countIf(sentiment >= 0.05) / sentiment_n) AS positive_share,
    if(sentiment_n < 20, NULL, countIf(sentiment <= -0.05) / sentiment_n) AS negative_share
FROM
(
    SELECT toDate(created_at) AS day, sentiment
    FROM mentions FINAL
    PREWHERE toDate(created_at) >= {since:Date} AND tmdb_id = {tmdb_id:Int64}
)
GROUP BY GROUPING SETS ((day), ())
ORDER BY is_total, day DESC
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
