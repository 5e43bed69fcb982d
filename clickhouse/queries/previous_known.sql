-- Whether anything was counted from first_day up to, but not within, end_day: without it a change is unknown.
SELECT count() > 0 AS known
FROM mention_counts
WHERE day >= {first_day:Date} AND day < {end_day:Date}
