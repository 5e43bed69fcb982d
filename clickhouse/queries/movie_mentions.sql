-- What a film's mentions on days are like, a row a day: by community; by location and method, how the linker decided, with
-- the sum of its confidences; and how they speak of the film, of those whose posts hold it in a sentence. Of posts written
-- by an instant unless it is 0, and with the newest of them, `limit` at most: ids only, from which addresses are built.
-- And as mention_hours.sql tells it, by UTC hour in the first `cut_ms` milliseconds, and how far they reach.
-- Film and day are of the sorting key, the same in every version of a mention, so they may be looked at before versions
-- are merged: a third of the time. A mention never leaves its month.
SELECT
    toDate(created_at) AS day,
    sumMapIf(map(community::String, toUInt32(1)), was_written) AS communities,
    sumMapIf(map(concat(location, ' ', method), toUInt32(1)), was_written) AS methods,
    sumMapIf(map(concat(location, ' ', method), confidence), was_written) AS confidences,
    toUInt32(countIf(isNotNull(sentiment) AND was_written)) AS sentiment_n,
    ifNull(sumIf(sentiment, was_written), 0) AS sentiment_sum,
    ifNull(sumIf(sentiment * sentiment, was_written), 0) AS sentiment_squares,
    toUInt32(countIf(sentiment >= 0.05 AND was_written)) AS positive,
    toUInt32(countIf(sentiment <= -0.05 AND was_written)) AS negative,
    groupArraySortedIf({limit:UInt32})(
        (-toUnixTimestamp64Milli(created_at), post_id, platform::String, thread_id, community::String, kind::String,
         location::String, method::String, confidence, score), was_written
    ) AS newest,
    sumMapIf(map(toHour(created_at), toUInt64(1)), toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64})
        AS hours,
    sumIf(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0)), was_written) AS engagement_weight,
    maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
        author_sketch IS NOT NULL AND was_written).2 AS ranks
FROM
(
    SELECT *, {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS was_written
    FROM mentions FINAL
    PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id = {tmdb_id:Int64}
)
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
