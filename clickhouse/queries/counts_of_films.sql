-- Mentions of the films given on the days `whole`, by the counts.
SELECT tmdb_id, day, mentions, submissions, comments
FROM film_counts FINAL
WHERE tmdb_id IN {films:Array(Int64)} AND day IN {whole:Array(Date)}
