-- As mention_reach_order.sql and mention_authors_order.sql tell it, of a day that is kept.
SELECT tmdb_id
FROM mention_days FINAL
WHERE day = {day:Date} AND ({by:String} != 'authors' OR authors IS NOT NULL)
ORDER BY
    multiIf({by:String} = 'spread', toFloat64(length(arrayDistinct(communities))),
        {by:String} = 'authors', assumeNotNull(authors), engagement_weight) DESC,
    tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1
