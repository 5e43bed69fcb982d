-- How the linker decided that a post mentions the film.
SELECT method, location, count() AS mentions, round(avg(confidence), 3) AS mean_confidence
FROM mentions FINAL
WHERE tmdb_id = {tmdb_id:Int64}
GROUP BY method, location
ORDER BY mentions DESC, method, location
