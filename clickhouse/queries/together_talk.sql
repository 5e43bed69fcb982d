-- Mentions of every film on a day, and the sum of those on the days `before` it, which are known, and the sum of their
-- squares, by the mentions by film and day, `film_days`. Of other days it may have nothing is counted.
SELECT
    tmdb_id,
    toFloat64(sumIf(f.mentions, f.day = {day:Date})) AS counted,
    toFloat64(sumIf(f.mentions, f.day IN {before:Array(Date)})) AS total,
    toFloat64(sumIf(f.mentions * f.mentions, f.day IN {before:Array(Date)})) AS squares
FROM film_days AS f
GROUP BY tmdb_id
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1
