-- As history_films.sql tells it, by the counts as they were known at the end of the last whole minute before an instant:
-- those that have not changed since, and of the others what the history says.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT tmdb_id AS film, day, mentions, state = 'final' AS is_final
FROM film_counts FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day BETWEEN {first_day:Date} AND {last_day:Date} AND ingested_at < minute
UNION ALL
SELECT h.tmdb_id AS film, h.day, argMax(h.mentions, h.revision), argMax(h.state = 'final', h.revision)
FROM mention_count_history AS h
WHERE h.stored_in < minute AND (h.day, h.tmdb_id) IN
    (
        SELECT day, tmdb_id FROM film_counts FINAL
        WHERE tmdb_id IN {films:Array(Int64)} AND day BETWEEN {first_day:Date} AND {last_day:Date}
            AND ingested_at >= minute
    )
GROUP BY h.tmdb_id, h.day
SETTINGS max_threads = 1
