-- The same within one community, from the mentions themselves. Community names differ in case only by accident.
SELECT
    tmdb_id,
    count() AS mentions,
    countIf(kind = 'submission') AS submissions,
    countIf(kind = 'comment') AS comments,
    sum(count()) OVER () AS all_mentions
FROM mentions FINAL
WHERE toDate(created_at) BETWEEN {first_day:Date} AND {last_day:Date}
    AND lowerUTF8(community) = lowerUTF8({community:String})
GROUP BY tmdb_id
ORDER BY mentions DESC, tmdb_id
LIMIT {limit:UInt32}
