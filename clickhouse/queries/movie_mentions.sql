-- What a film's mentions on days are like, a row a day: by community; by location and method, how the linker decided, with
-- the sum of its confidences; and how they speak of the film, of those whose posts hold it in a sentence. And by UTC
-- hour, of those in the first `cut_ms` milliseconds of a day: of an hour that the stream has reached in part, the same part
-- of the other days counts. And as mention_reach.sql tells it, how far they reach. Of posts written by an instant unless it
-- is 0. clickhouse/post_sums.py adds up the same of a few posts.
-- Film and day are of the sorting key, the same in every version of a mention, so they may be looked at before versions
-- are merged: a third of the time. A mention never leaves its month.
SELECT
    toDate(created_at) AS day,
    sumMap(map(community::String, toUInt32(1))) AS communities,
    sumMap(map(concat(location, ' ', method), toUInt32(1))) AS methods,
    sumMap(map(concat(location, ' ', method), confidence)) AS confidences,
    toUInt32(count(sentiment)) AS sentiment_n,
    ifNull(sum(sentiment), 0) AS sentiment_sum,
    ifNull(sum(sentiment * sentiment), 0) AS sentiment_squares,
    toUInt32(countIf(sentiment >= 0.05)) AS positive,
    toUInt32(countIf(sentiment <= -0.05)) AS negative,
    sumMapIf(map(toHour(created_at), toUInt64(1)), toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64})
        AS hours,
    sum(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0))) AS engagement_weight,
    maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
        author_sketch IS NOT NULL).2 AS ranks
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id = {tmdb_id:Int64}
WHERE {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
