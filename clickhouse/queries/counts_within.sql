-- The counts of all films on each day from first_day to last_day, both within.
SELECT tmdb_id, day, mentions, submissions, comments, closed_revision, revision
FROM mention_counts FINAL
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
