-- Where a film is mentioned on a day, and how far that is above what the community's share of the days before makes likely.
-- The share before is null where nothing was mentioned before.
SELECT
    community,
    now AS mentions,
    now / sum(now) OVER () AS share,
    if(sum(before) OVER () = 0, NULL, before / sum(before) OVER ()) AS share_before,
    now - ifNull(share_before, 0) * sum(now) OVER () AS excess
FROM
(
    SELECT
        community,
        countIf(toDate(created_at) = {day:Date}) AS now,
        countIf(toDate(created_at) < {day:Date}) AS before
    FROM mentions FINAL
    PREWHERE toDate(created_at) BETWEEN {day:Date} - {days:UInt16} AND {day:Date} AND tmdb_id = {tmdb_id:Int64}
    GROUP BY community
)
QUALIFY now > 0
ORDER BY excess DESC, community
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
