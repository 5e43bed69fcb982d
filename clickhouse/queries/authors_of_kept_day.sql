-- About how many distinct authors mention a film on a day that mention_days has; null without an observation.
SELECT tmdb_id, authors
FROM mention_days FINAL
WHERE day = {day:Date}
