-- What film_mention_days has to say of the days given: the films of which it says something else.
INSERT INTO film_mention_days
    (tmdb_id, day, at_ms, communities, methods, confidences, certain,
     sentiment_n, sentiment_sum, sentiment_squares, positive, negative, digest, kept_at)
SELECT
    tmdb_id, day, m.at_ms, m.communities, m.methods, m.confidences, m.certain,
    m.sentiment_n, m.sentiment_sum, m.sentiment_squares, m.positive, m.negative, m.digest,
    fromUnixTimestamp64Milli({read_ms:Int64}, 'UTC')
FROM
(
    SELECT
        toDate(created_at) AS day,
        tmdb_id,
        groupArray(toUInt32(toUnixTimestamp64Milli(created_at) % 86400000)) AS at_ms,
        sumMap(map(community::String, 1)) AS communities,
        sumMap(map(concat(location, ' ', method), 1)) AS methods,
        sumMap(map(concat(location, ' ', method), confidence)) AS confidences,
        countIf(confidence >= 0.8) AS certain,
        count(sentiment) AS sentiment_n,
        ifNull(sum(sentiment), 0) AS sentiment_sum,
        ifNull(sum(sentiment * sentiment), 0) AS sentiment_squares,
        countIf(sentiment >= 0.05) AS positive,
        countIf(sentiment <= -0.05) AS negative,
        sum(cityHash64(platform, post_id, revision)) AS digest
    FROM mentions FINAL
    PREWHERE toDate(created_at) IN {days:Array(Date)}
    GROUP BY day, tmdb_id
) AS m
FULL JOIN (SELECT day, tmdb_id, digest FROM film_mention_days FINAL WHERE day IN {days:Array(Date)}) AS k
    USING (day, tmdb_id)
WHERE m.digest != k.digest
SETTINGS do_not_merge_across_partitions_select_final = 1
