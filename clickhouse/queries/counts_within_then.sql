-- As counts_within.sql tells it, by the counts as they were known at the end of the last whole minute before an instant:
-- those that have not changed since, and of the others what the history says.
WITH toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')) AS minute
SELECT tmdb_id, day, mentions, submissions, comments, closed_revision, revision
FROM mention_counts FINAL
WHERE day BETWEEN {first_day:Date} AND {last_day:Date} AND ingested_at < minute
UNION ALL
SELECT
    h.tmdb_id, h.day,
    argMax(h.mentions, h.revision), argMax(h.submissions, h.revision), argMax(h.comments, h.revision),
    argMax(h.closed_revision, h.revision), max(h.revision)
FROM mention_count_history AS h
WHERE h.stored_in < minute AND (h.day, h.tmdb_id) IN
    (
        SELECT day, tmdb_id FROM mention_counts FINAL
        WHERE day BETWEEN {first_day:Date} AND {last_day:Date} AND ingested_at >= minute
    )
GROUP BY h.tmdb_id, h.day
