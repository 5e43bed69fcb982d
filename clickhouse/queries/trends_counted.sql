-- Whether there is any count in the period before: without one the change is unknown.
SELECT count() > 0 AS known
FROM counted_days
WHERE day >= {previous_day:Date} AND day < {first_day:Date}
SETTINGS max_threads = 1
