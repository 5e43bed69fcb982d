-- The films that burst most on a day, by their mentions on it and on those of the 28 days before of which enough is known,
-- `baseline` of them; docs/metrics.md has the formula. Sums of squares are whole numbers, so that no variance loses
-- digits. all_mentions: of all films on the day. film_days is counts_of_days.sql or counts_of_parts.sql.
SELECT tmdb_id, all_mentions
FROM
(
    SELECT
        tmdb_id,
        sumIf(c.mentions, day = {day:Date}) AS n,
        sum(c.mentions) - n AS total,
        sum(c.mentions * c.mentions) - n * n AS squares,
        sum(n) OVER () AS all_mentions
    FROM film_days AS c
    GROUP BY tmdb_id
)
WHERE n > 0
ORDER BY
    (n - total / {baseline:UInt8}) / sqrt(({baseline:UInt8} * squares - total * total)
        / ({baseline:UInt8} * ({baseline:UInt8} - 1)) + total / {baseline:UInt8} + 1) DESC,
    tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
