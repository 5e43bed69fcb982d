-- As mention_reach.sql tells it, of a selection as counts_of_parts.sql tells it.
SELECT
    tmdb_id,
    uniqExact(community) AS communities,
    sum(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0))) AS engagement_weight,
    maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
        author_sketch IS NOT NULL).2 AS ranks
FROM mentions FINAL
PREWHERE toDate(created_at) = {day:Date} AND tmdb_id IN {films:Array(Int64)}
WHERE ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
    AND confidence >= {least_confidence:Float64}
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY tmdb_id
SETTINGS max_threads = 1
