-- Film-days from first_day to last_day, both within, whose count changed after the day was closed: how many there are,
-- and which of the films given have one.
SELECT count() AS film_days, groupUniqArrayIf(tmdb_id, tmdb_id IN {films:Array(Int64)}) AS films
FROM mention_counts FINAL
WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
    AND closed_revision > 0
    AND revision > closed_revision
