-- The same of a selection of the mentions: within one community unless it is empty, whose names differ in case only by
-- accident, and of no less than a confidence; of posts written by an instant, unless it is 0.
SELECT
    tmdb_id,
    count() AS mentions,
    countIf(kind = 'submission') AS submissions,
    countIf(kind = 'comment') AS comments,
    sum(count()) OVER () AS all_mentions
FROM mentions FINAL
WHERE toDate(created_at) BETWEEN {first_day:Date} AND {last_day:Date}
    AND ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
    AND confidence >= {least_confidence:Float64}
GROUP BY tmdb_id
ORDER BY mentions DESC, tmdb_id
LIMIT {limit:UInt32}
