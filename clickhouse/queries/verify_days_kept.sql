-- How many days mention_days has, and how many film-days with a mention.
SELECT
    (SELECT uniqExact(day) FROM mention_days_kept) AS days,
    (SELECT count() FROM mention_days FINAL WHERE notEmpty(at_ms)) AS film_days
