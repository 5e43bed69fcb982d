-- Mentions of all films in the first `cut_ms` milliseconds of the days `kept`, by the rows of films and days, and on the
-- days `whole`, by the counts.
SELECT tmdb_id, day, mentions, submissions, comments
FROM mention_counts FINAL
WHERE day IN {whole:Array(Date)}
UNION ALL
SELECT tmdb_id, day, toInt64(arrayCount(at -> at < {cut_ms:Int64}, at_ms)) AS mentions, toInt64(0), toInt64(0)
FROM mention_days FINAL
WHERE day IN {kept:Array(Date)}
