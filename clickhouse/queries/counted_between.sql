-- Whether there is any count of the days from first_day to last_day, both within.
SELECT count() > 0 AS is_counted FROM counted_days WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
