-- The days that mention_days and film_mention_days have.
SELECT DISTINCT day FROM mention_days_kept SETTINGS max_threads = 1
