-- Mentions of all films on days that are each told in another way: `whole` by the counts, and of the others those in the
-- first `cut_ms` milliseconds, `kept` by the row of a film and day, `rows` by the mentions.
SELECT tmdb_id, day, mentions
FROM mention_counts FINAL
WHERE day IN {whole:Array(Date)}
UNION ALL
SELECT tmdb_id, day, toInt64(arrayCount(at -> at < {cut_ms:Int64}, at_ms)) AS mentions
FROM mention_days FINAL
WHERE day IN {kept:Array(Date)}
UNION ALL
SELECT tmdb_id, toDate(created_at) AS day, toInt64(count()) AS mentions
FROM mentions FINAL
PREWHERE toDate(created_at) IN {rows:Array(Date)}
WHERE toUnixTimestamp64Milli(created_at) % 86400000 < {cut_ms:Int64}
GROUP BY tmdb_id, day
