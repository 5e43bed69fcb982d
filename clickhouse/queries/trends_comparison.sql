-- For the films given: mentions of the period before, up to the same elapsed share, and communities of the period.
-- Without any count in the period before, the change is unknown. Of the days `kept` by the rows of films and days, of the
-- days `rows` by the mentions, of posts written by an instant, unless it is 0, and of a selection, which is never kept.
SELECT
    tmdb_id,
    sum(before) AS previous,
    uniqExactArray(names) AS communities,
    (SELECT count() > 0 FROM counted_days WHERE day >= {previous_day:Date} AND day < {first_day:Date}) AS known
FROM
(
    SELECT
        tmdb_id,
        countIf(created_at < fromUnixTimestamp64Milli({previous_cut_ms:Int64}, 'UTC')) AS before,
        groupUniqArrayIf(community::String, toDate(created_at) >= {first_day:Date}) AS names
    FROM mentions FINAL
    PREWHERE toDate(created_at) IN {rows:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
    WHERE ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
        AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
        AND confidence >= {least_confidence:Float64}
    GROUP BY tmdb_id
    UNION ALL
    SELECT
        tmdb_id,
        arrayCount(at -> at < {previous_cut_ms:Int64} - toUnixTimestamp(toDateTime(day, 'UTC')) * 1000, at_ms) AS before,
        if(day >= {first_day:Date}, communities, [])::Array(String) AS names
    FROM mention_days FINAL
    WHERE day IN {kept:Array(Date)} AND tmdb_id IN {films:Array(Int64)} AND notEmpty(at_ms)
)
GROUP BY tmdb_id
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
