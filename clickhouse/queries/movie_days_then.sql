-- As movie_days.sql tells it of the days given, by the counts as they were known at the end of the last whole minute before
-- an instant. Without settings, so that it can come first.
SELECT
    day,
    argMax(h.mentions, h.revision) AS mentions,
    argMax(h.submissions, h.revision) AS submissions,
    argMax(h.comments, h.revision) AS comments,
    argMax(h.state, h.revision) AS state,
    argMax(h.closed_revision, h.revision) > 0 AND max(h.revision) > argMax(h.closed_revision, h.revision) AS is_revised,
    0 AS is_changed,
    1 AS is_then
FROM mention_count_history AS h
WHERE day IN {days:Array(Date)} AND tmdb_id = {tmdb_id:Int64}
    AND stored_in < toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
GROUP BY day
