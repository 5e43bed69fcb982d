-- Mentions of films on days that are each told in another way; of all films where none are given. `whole`: by the counts.
-- `then`: by the counts as they were known at the end of the last whole minute before `at_ms`: those that have not
-- changed since, and of the others what the history says. `kept` and `rows`: of the mentions, in one row a film and day
-- where that is kept, those in the first `cut_ms` milliseconds of a day, within one community unless it is empty, whose
-- names differ in case only by accident, and of no less than a confidence; of posts written by `at_ms`, unless it is 0.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT tmdb_id, day, mentions, submissions, comments
FROM mention_counts FINAL
WHERE (day IN {whole:Array(Date)} OR (day IN {then:Array(Date)} AND ingested_at < minute))
    AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
UNION ALL
SELECT
    h.tmdb_id, h.day,
    argMax(h.mentions, h.revision), argMax(h.submissions, h.revision), argMax(h.comments, h.revision)
FROM mention_count_history AS h
WHERE h.stored_in < minute AND (h.day, h.tmdb_id) IN
    (
        SELECT day, tmdb_id FROM mention_counts FINAL
        WHERE day IN {then:Array(Date)} AND ingested_at >= minute
            AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
    )
GROUP BY h.tmdb_id, h.day
UNION ALL
SELECT
    tmdb_id, day,
    toInt64(if({community:String} = '' AND {least_confidence:Float64} <= 0,
        arrayCount(at -> at < {cut_ms:Int64}, at_ms),
        arrayCount((at, name, sure) -> at < {cut_ms:Int64} AND sure >= {least_confidence:Float64}
            AND ({community:String} = '' OR lowerUTF8(name) = lowerUTF8({community:String})),
            at_ms, communities, confidences))) AS mentions,
    toInt64(0) AS submissions, toInt64(0) AS comments
FROM mention_days FINAL
WHERE day IN {kept:Array(Date)} AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
UNION ALL
SELECT
    tmdb_id, toDate(created_at) AS day,
    toInt64(count()) AS mentions,
    toInt64(countIf(kind = 'submission')) AS submissions,
    toInt64(countIf(kind = 'comment')) AS comments
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)}
    AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
WHERE toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64}
    AND ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
    AND confidence >= {least_confidence:Float64}
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY tmdb_id, day
