-- What the mentions of each film say on one day: change, trend, reach, burst; docs/metrics.md has the formulas. `known`
-- has an element for the day and each of the 28 days before it, the day first: on a known day no mention is a true zero,
-- on another the number is null. A day that the stream has reached in part is compared with the same part of the days
-- before, their first `cut_ms` milliseconds: their counts are then taken from the mentions, as are those of a selection
-- by community or confidence. `at_ms`: as it was known at the end of the last whole minute before that instant, and of
-- posts written by then; 0 is now. `by` names the order, and with it who is listed; `film` asks for one film, 0 for all:
-- then the other films are read of the day alone, for the share.
-- Sums of squares are whole numbers, so that no variance loses digits.
WITH
    (past, now) -> if(past > 0, 100 * (now - past) / past, NULL) AS percent,
    -- Of a sample.
    (days, total, squares) -> (toInt64(days) * squares - total * total) / (days * (toInt64(days) - 1)) AS variance,
    -- HyperLogLog over 1,024 registers, and linear counting of few; cinepulse/authors.py has the source.
    ranks -> 0.7213 / (1 + 1.079 / 1024) * 1048576 / (1024 - length(ranks) + arraySum(rank -> exp2(-rank), ranks))
        AS by_ranks,
    ranks -> if(by_ranks(ranks) <= 2560 AND length(ranks) < 1024, 1024 * log(1024 / (1024 - length(ranks))),
        by_ranks(ranks)) AS distinct_authors,
    {community:String} != '' OR {least_confidence:Float64} > 0 AS selected,
    {cut_ms:Int64} < 86400000 AS partial,
    film_days AS
    (
        SELECT tmdb_id, {day:Date} - day AS days_ago, mentions, submissions, comments
        FROM mention_counts FINAL
        WHERE NOT selected AND {at_ms:Int64} = 0
            AND day BETWEEN if(partial, {day:Date}, {day:Date} - 28) AND {day:Date}
            AND ({film:Int64} = 0 OR tmdb_id = {film:Int64} OR day = {day:Date})
        UNION ALL
        SELECT
            tmdb_id,
            {day:Date} - h.day AS days_ago,
            argMax(h.mentions, h.revision) AS mentions,
            argMax(h.submissions, h.revision) AS submissions,
            argMax(h.comments, h.revision) AS comments
        FROM mention_count_history AS h
        WHERE NOT selected AND {at_ms:Int64} > 0
            AND h.day BETWEEN if(partial, {day:Date}, {day:Date} - 28) AND {day:Date}
            AND ({film:Int64} = 0 OR tmdb_id = {film:Int64} OR h.day = {day:Date})
            AND stored_in < toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
        GROUP BY tmdb_id, h.day
        UNION ALL
        SELECT
            tmdb_id,
            {day:Date} - toDate(created_at) AS days_ago,
            toInt64(count()) AS mentions,
            toInt64(countIf(kind = 'submission')) AS submissions,
            toInt64(countIf(kind = 'comment')) AS comments
        FROM mentions FINAL
        WHERE (selected OR partial)
            AND toDate(created_at) BETWEEN {day:Date} - 28 AND if(selected, {day:Date}, {day:Date} - 1)
            AND ({film:Int64} = 0 OR tmdb_id = {film:Int64} OR toDate(created_at) = {day:Date})
            AND toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64}
            AND ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
            AND confidence >= {least_confidence:Float64}
            AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
        GROUP BY tmdb_id, days_ago
    )
SELECT * EXCEPT (key, n7)
FROM
(
    SELECT
        *,
        multiIf(
            {by:String} = 'burst', if(mentions > 0, burst, NULL),
            {by:String} = 'share', if(mentions > 0, share, NULL),
            {by:String} = 'spread', if(mentions > 0, toFloat64(communities), NULL),
            {by:String} = 'engagement', if(mentions > 0, engagement_weight, NULL),
            {by:String} = 'authors', if(mentions > 0, authors, NULL),
            {by:String} = 'mention-velocity', velocity,
            {by:String} = 'mention-acceleration', acceleration,
            {by:String} = 'mention-gainers', if(wow_percent > 0 AND n7 >= {floor:Int64}, wow_percent, NULL),
            {by:String} = 'mention-decliners', if(wow_percent < 0 AND n7 >= {floor:Int64}, -wow_percent, NULL),
            NULL) AS key
    FROM
    (
        SELECT
            tmdb_id,
            if(is_told, counted, NULL) AS mentions,
            if(is_told, counted_submissions, NULL) AS submissions,
            if(is_told, counted_comments, NULL) AS comments,
            n0 - n1 AS dod,
            percent(n1, n0) AS dod_percent,
            if({week_days:UInt8} >= 4, week_sum / {week_days:UInt8}, NULL) AS mean_7d,
            n0 - mean_7d AS deviation_7d,
            if({week_days:UInt8} >= 4, sqrt(variance({week_days:UInt8}, week_sum, week_squares)), NULL) AS volatility_7d,
            n0 - n7 AS wow,
            percent(n7, n0) AS wow_percent,
            if({iso_days:UInt8} > 0, iso_sum / {iso_days:UInt8}, NULL) AS week_mean,
            if({iso_days_before:UInt8} > 0, iso_sum_before / {iso_days_before:UInt8}, NULL) AS week_mean_before,
            percent(week_mean_before, week_mean) AS week_percent,
            if({iso_days:UInt8} > 0, iso_high, NULL) AS week_peak,
            if({iso_days:UInt8} > 0, if(iso_rows < {iso_days:UInt8}, 0, iso_low), NULL) AS week_low,
            multiIf(dod_percent > 10, 'Surging', dod_percent > 5, 'Rising', dod_percent > -5, 'Stable',
                    dod_percent > -10, 'Declining', dod_percent IS NOT NULL, 'Falling', n0 IS NULL, NULL,
                    n0 + ifNull(n1, 0) > 0 AND {month_days:UInt8} >= {least_days:UInt8} AND month_sum = ifNull(n1, 0), 'New',
                    'Insufficient') AS momentum,
            (n0 - n7) / 7 AS velocity,
            (n0 - n7) / 7 - (n7 - n14) / 7 AS acceleration,
            if(mentions IS NULL OR all_counted = 0, NULL, counted / all_counted) AS share,
            if(is_told, community_count, NULL) AS communities,
            if(is_told, weight, NULL) AS engagement_weight,
            multiIf(is_told AND counted = 0, 0., is_told AND notEmpty(ranks), distinct_authors(ranks), NULL) AS authors,
            if({month_days:UInt8} > 0, month_sum / {month_days:UInt8}, NULL) AS usual,
            {month_days:UInt8} AS usual_days,
            if({month_days:UInt8} >= {least_days:UInt8},
                (n0 - usual) / sqrt(variance({month_days:UInt8}, month_sum, month_squares) + usual + 1), NULL) AS burst,
            n7
        FROM
        (
            SELECT
                tmdb_id,
                sumIf(mentions, days_ago = 0) AS counted,
                sumIf(submissions, days_ago = 0) AS counted_submissions,
                sumIf(comments, days_ago = 0) AS counted_comments,
                sum(sumIf(mentions, days_ago = 0)) OVER () AS all_counted,
                {known:Array(UInt8)}[1] = 1 OR counted > 0 AS is_told,
                if({known:Array(UInt8)}[1] = 1, counted, NULL) AS n0,
                if({known:Array(UInt8)}[2] = 1, sumIf(mentions, days_ago = 1), NULL) AS n1,
                if({week_back:UInt8} < 255, sumIf(mentions, days_ago = {week_back:UInt8}), NULL) AS n7,
                if({fortnight_back:UInt8} < 255, sumIf(mentions, days_ago = {fortnight_back:UInt8}), NULL) AS n14,
                sumIf(mentions, is_known AND days_ago < 7) AS week_sum,
                sumIf(mentions * mentions, is_known AND days_ago < 7) AS week_squares,
                sumIf(mentions, is_known AND days_ago < {weekday:UInt8}) AS iso_sum,
                countIf(is_known AND days_ago < {weekday:UInt8}) AS iso_rows,
                maxIf(mentions, is_known AND days_ago < {weekday:UInt8}) AS iso_high,
                minIf(mentions, is_known AND days_ago < {weekday:UInt8}) AS iso_low,
                sumIf(mentions, is_known AND days_ago >= {weekday:UInt8}
                    AND days_ago < {weekday:UInt8} + 7) AS iso_sum_before,
                sumIf(mentions, is_known AND days_ago > 0) AS month_sum,
                sumIf(mentions * mentions, is_known AND days_ago > 0) AS month_squares
            FROM (SELECT *, {known:Array(UInt8)}[days_ago + 1] = 1 AS is_known FROM film_days WHERE mentions > 0)
            GROUP BY tmdb_id
        ) AS days
        LEFT JOIN
        (
            SELECT
                tmdb_id,
                uniqExact(community) AS community_count,
                sum(log(1 + greatest(score, 0) + greatest(ifNull(num_comments, 0), 0))) AS weight,
                maxMapIf([bitShiftRight(assumeNotNull(author_sketch), 6)], [bitAnd(assumeNotNull(author_sketch), 63)],
                    author_sketch IS NOT NULL).2 AS ranks
            FROM mentions FINAL
            WHERE toDate(created_at) = {day:Date}
                AND ({film:Int64} = 0 OR tmdb_id = {film:Int64})
                AND ({community:String} = '' OR lowerUTF8(community) = lowerUTF8({community:String}))
                AND confidence >= {least_confidence:Float64}
                AND ({at_ms:Int64} = 0 OR created_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
            GROUP BY tmdb_id
        ) AS reach USING tmdb_id
    )
)
WHERE key IS NOT NULL AND ({film:Int64} = 0 OR tmdb_id = {film:Int64})
ORDER BY key DESC, tmdb_id
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
