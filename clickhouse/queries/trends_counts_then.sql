-- As trends_counts.sql tells it, by the counts as they were known at the end of the last whole minute before an instant;
-- and how many of a film's days, and of all films', had changed after they were closed.
SELECT
    tmdb_id,
    sum(n) AS mentions,
    sum(n_submissions) AS submissions,
    sum(n_comments) AS comments,
    sum(sum(n)) OVER () AS all_mentions,
    countIf(is_revised) AS revised_days,
    sum(countIf(is_revised)) OVER () AS all_revised_days
FROM
(
    SELECT
        tmdb_id,
        argMax(h.mentions, h.revision) AS n,
        argMax(h.submissions, h.revision) AS n_submissions,
        argMax(h.comments, h.revision) AS n_comments,
        argMax(h.closed_revision, h.revision) AS closed,
        closed > 0 AND max(h.revision) > closed AS is_revised
    FROM mention_count_history AS h
    WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
        AND stored_in < toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
    GROUP BY tmdb_id, day
)
GROUP BY tmdb_id
HAVING mentions > 0
ORDER BY mentions DESC, tmdb_id
LIMIT {limit:UInt32}
