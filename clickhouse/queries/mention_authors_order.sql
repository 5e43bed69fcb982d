-- The films that most authors mention on a day, by the estimate of HyperLogLog over 1,024 registers and by linear counting
-- of few; cinepulse/authors.py has the source. Of a selection as counts_of_parts.sql tells it.
SELECT tmdb_id
FROM
(
    SELECT
        tmdb_id,
        count() AS filled,
        0.7213 / (1 + 1.079 / 1024) * 1048576 / (1024 - filled + sum(exp2(-highest))) AS by_ranks,
        if(by_ranks <= 2560 AND filled < 1024, 1024 * log(1024 / (1024 - filled)), by_ranks) AS authors
    FROM
    (
        SELECT tmdb_id, max(bitAnd(assumeNotNull(author_sketch), 63)) AS highest
        FROM mentions FINAL
        PREWHERE toDate(created_at) = {day:Date}
        WHERE author_sketch IS NOT NULL
            AND ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
            AND confidence >= {least_confidence:Float64}
            AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
        GROUP BY tmdb_id, bitShiftRight(assumeNotNull(author_sketch), 6)
    )
    GROUP BY tmdb_id
)
ORDER BY authors DESC, tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1
