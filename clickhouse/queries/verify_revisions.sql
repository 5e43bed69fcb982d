-- The last revision that touched each of the film-days given, retractions included.
SELECT tmdb_id, day, max(revision) AS revision
FROM
(
    SELECT tmdb_id, toDate(created_at) AS day, revision
    FROM mentions
    WHERE toDate(created_at) IN {days:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
    UNION ALL
    SELECT tmdb_id, day, revision
    FROM mention_counts
    WHERE day IN {days:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
)
GROUP BY tmdb_id, day
