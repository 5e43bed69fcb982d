-- For the films given: mentions of the period before, up to the same elapsed share, and communities of the period.
-- Without any count in the period before, the change is unknown. Of posts written by an instant, unless
-- it is 0.
SELECT
    tmdb_id,
    countIf(created_at < fromUnixTimestamp64Milli({previous_cut_ms:Int64}, 'UTC')) AS previous,
    uniqExactIf(community, toDate(created_at) >= {first_day:Date}) AS communities,
    (SELECT count() > 0 FROM mention_counts WHERE day >= {previous_day:Date} AND day < {first_day:Date}) AS known
FROM mentions FINAL
WHERE toDate(created_at) BETWEEN {previous_day:Date} AND {last_day:Date}
    AND tmdb_id IN {films:Array(Int64)}
    AND ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
    AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
    AND confidence >= {least_confidence:Float64}
GROUP BY tmdb_id
