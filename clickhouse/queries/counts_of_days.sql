-- Mentions of all films on the days `whole`, by the counts.
SELECT tmdb_id, day, mentions, submissions, comments
FROM mention_counts FINAL
WHERE day IN {whole:Array(Date)}
