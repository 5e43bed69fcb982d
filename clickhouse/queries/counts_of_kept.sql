-- Mentions of films in the first `cut_ms` milliseconds of the days `kept`, by the rows of films and days, and on the days
-- `whole`, by the counts; of all films where none are given.
SELECT tmdb_id, day, mentions, submissions, comments
FROM mention_counts FINAL
WHERE day IN {whole:Array(Date)} AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
UNION ALL
SELECT tmdb_id, day, toInt64(arrayCount(at -> at < {cut_ms:Int64}, at_ms)) AS mentions, toInt64(0), toInt64(0)
FROM mention_days FINAL
WHERE day IN {kept:Array(Date)} AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
