-- Votes and mean vote of every film in the catalogue; NaN where they are unknown.
SELECT tmdb_id, ifNull(toFloat64(vote_count), nan) AS votes, ifNull(vote_average, nan) AS score
FROM films FINAL
SETTINGS max_threads = 1
