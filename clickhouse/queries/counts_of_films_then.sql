-- Mentions of the films given on the days `then`, by the counts as they were known at the end of the last whole minute
-- before an instant: those that have not changed since, and of the others what the history says.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT tmdb_id, day, mentions, submissions, comments
FROM film_counts FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day IN {then:Array(Date)} AND ingested_at < minute
UNION ALL
SELECT
    h.tmdb_id, h.day,
    argMax(h.mentions, h.revision), argMax(h.submissions, h.revision), argMax(h.comments, h.revision)
FROM mention_count_history AS h
WHERE h.stored_in < minute AND (h.day, h.tmdb_id) IN
    (
        SELECT day, tmdb_id FROM film_counts FINAL
        WHERE tmdb_id IN {films:Array(Int64)} AND day IN {then:Array(Date)} AND ingested_at >= minute
    )
GROUP BY h.tmdb_id, h.day
