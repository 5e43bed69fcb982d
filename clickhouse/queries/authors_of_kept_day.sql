-- About how many distinct authors mention a film on a day that mention_days has; NaN without an observation.
SELECT tmdb_id, ifNull(authors, nan) AS authors
FROM mention_days FINAL
WHERE day = {day:Date}
