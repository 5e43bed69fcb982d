-- Mentions of films on the days `whole`, by the counts; of all films where none are given.
SELECT tmdb_id, day, mentions, submissions, comments
FROM mention_counts FINAL
WHERE day IN {whole:Array(Date)} AND (empty({films:Array(Int64)}) OR tmdb_id IN {films:Array(Int64)})
