-- Every count of a film and day that is not zero.
SELECT tmdb_id, toInt32(day) AS day_number, mentions
FROM mention_counts FINAL
WHERE mentions > 0
