-- The films most mentioned from first_day to last_day, both within, by the stream processor's counts.
-- all_mentions is the sum over all films, not only those returned.
SELECT
    tmdb_id,
    sum(c.mentions) AS mentions,
    sum(c.submissions) AS submissions,
    sum(c.comments) AS comments,
    sum(sum(c.mentions)) OVER () AS all_mentions
FROM mention_counts AS c FINAL
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
GROUP BY tmdb_id
HAVING mentions > 0
ORDER BY mentions DESC, tmdb_id
LIMIT {limit:UInt32}
