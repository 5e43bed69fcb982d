-- Film-days on which the counts and the mentions disagree, either way.
SELECT tmdb_id, day, sum(counted) AS counted, sum(stored) AS stored
FROM
(
    SELECT tmdb_id, toDate(created_at) AS day, toInt64(0) AS counted, toInt64(1) AS stored
    FROM mentions FINAL
    UNION ALL
    SELECT tmdb_id, day, mentions AS counted, toInt64(0) AS stored
    FROM mention_counts FINAL
    WHERE mentions != 0
)
GROUP BY tmdb_id, day
HAVING counted != stored
ORDER BY day, tmdb_id
LIMIT {limit:UInt32}
