-- As counts_of_kept.sql tells it, of the films given.
SELECT tmdb_id, day, mentions, submissions, comments
FROM film_counts FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day IN {whole:Array(Date)}
UNION ALL
SELECT tmdb_id, day, toInt64(arrayCount(at -> at < {cut_ms:Int64}, at_ms)) AS mentions, toInt64(0), toInt64(0)
FROM film_mention_days FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day IN {kept:Array(Date)}
