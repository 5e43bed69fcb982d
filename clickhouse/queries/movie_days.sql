-- A film's days, newest first. The highest revision of a count is picked here: FINAL would merge all films' counts.
SELECT
    day,
    argMax(c.mentions, c.revision) AS mentions,
    argMax(c.submissions, c.revision) AS submissions,
    argMax(c.comments, c.revision) AS comments
FROM mention_counts AS c
WHERE tmdb_id = {tmdb_id:Int64}
GROUP BY day
HAVING mentions > 0
ORDER BY day DESC
LIMIT {limit:UInt32}
