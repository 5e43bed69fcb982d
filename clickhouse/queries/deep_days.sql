-- The days of which a partition of movie.mentions (of: mentions) or movie.mention_counts (of: counts) has rows.
SELECT DISTINCT day
FROM
(
    SELECT toDate(created_at) AS day, source_partition FROM mentions WHERE {of:String} = 'mentions'
    UNION ALL
    SELECT day, source_partition FROM mention_counts WHERE {of:String} = 'counts'
)
WHERE source_partition = {partition:Int32}
ORDER BY day
