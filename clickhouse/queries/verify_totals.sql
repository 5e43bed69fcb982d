-- What there is to compare.
SELECT
    (SELECT count() FROM mentions FINAL) AS stored,
    (SELECT sum(mentions) FROM mention_counts FINAL) AS counted,
    (SELECT count() FROM mention_counts FINAL WHERE mentions != 0) AS film_days
