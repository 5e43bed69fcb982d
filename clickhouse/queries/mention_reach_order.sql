-- The films whose mentions of a day reach furthest, by communities or by engagement; of a selection as
-- counts_of_parts.sql tells it.
SELECT tmdb_id
FROM mentions FINAL
PREWHERE toDate(created_at) = {day:Date}
WHERE ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
    AND confidence >= {least_confidence:Float64}
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY tmdb_id
ORDER BY
    if({by:String} = 'spread', toFloat64(uniqExact(community)),
        sum(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0)))) DESC,
    tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1
