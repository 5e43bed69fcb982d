-- A film's mentions on days by UTC hour, of those in the first `cut_ms` milliseconds of a day: of an hour that the stream
-- has reached in part, the same part of the other days counts. And as mention_reach.sql tells it how far the mentions of
-- each day reach, of those written by an instant unless it is 0.
SELECT
    toDate(created_at) AS day,
    sumMapIf(map(toHour(created_at), toUInt64(1)), toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64})
        AS hours,
    uniqExactIf(community, was_written) AS communities,
    sumIf(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0)), was_written) AS engagement_weight,
    maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
        author_sketch IS NOT NULL AND was_written).2 AS ranks
FROM
(
    SELECT *, {at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AS was_written
    FROM mentions FINAL
    PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id = {film:Int64}
)
GROUP BY day
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
