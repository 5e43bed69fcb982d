-- Mentions of every film on a day, and the sum of those on the days `before` it, which are known, and the sum of their
-- squares, by the mentions by film and day, `film_days`.
SELECT
    tmdb_id,
    toFloat64(sumIf(f.mentions, f.day = {day:Date})) AS counted,
    toFloat64(sumIf(f.mentions, f.day != {day:Date})) AS total,
    toFloat64(sumIf(f.mentions * f.mentions, f.day != {day:Date})) AS squares
FROM film_days AS f
WHERE f.day = {day:Date} OR f.day IN {before:Array(Date)}
GROUP BY tmdb_id
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1
