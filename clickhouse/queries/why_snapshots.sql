-- What TMDB showed of a film last on each day around one, and its place in each list that has an order.
SELECT
    toDate(observed_at) AS seen_on,
    if(rank IS NULL, '', source) AS list,
    argMax(rank, observed_at) AS place,
    argMax(p.popularity, observed_at) AS popularity
FROM popularity AS p
WHERE tmdb_id = {tmdb_id:Int64}
    AND observed_at >= toDateTime64({day:Date} - {back:UInt16}, 3, 'UTC')
    AND observed_at < toDateTime64({day:Date} + {ahead:UInt16} + 1, 3, 'UTC')
    AND (rank IS NOT NULL OR p.popularity IS NOT NULL)
GROUP BY seen_on, list
ORDER BY seen_on, list
