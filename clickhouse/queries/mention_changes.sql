-- The films whose mentions changed most. `weights` says how often the mentions of each of `days`, the day first, count in
-- the change: 1 alone for the share, 1 and -1 for velocity, 1, -2 and 1 for acceleration, -1 and 1 for decliners;
-- `relative` divides it by those of the second day, `floor` at least. `least` bounds the change. all_mentions: of all
-- films on the day. film_days is counts_of_days.sql or counts_of_parts.sql.
SELECT tmdb_id, all_mentions
FROM
(
    SELECT
        tmdb_id,
        sum(c.mentions * {weights:Array(Int8)}[indexOf({days:Array(Date)}, day)]) AS change,
        sumIf(c.mentions, day = {days:Array(Date)}[2]) AS before,
        sum(sumIf(c.mentions, day = {days:Array(Date)}[1])) OVER () AS all_mentions
    FROM film_days AS c
    GROUP BY tmdb_id
)
WHERE change >= {least:Int64} AND before >= {floor:Int64}
ORDER BY change / if({relative:Bool}, before, 1) DESC, tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
