-- As trends_compared.sql tells it of whole days, by the rows of films and days.
SELECT
    tmdb_id,
    sumIf(arraySum(mapValues(c.communities)), day < {first_day:Date}) AS previous,
    groupUniqArrayArrayIf(mapKeys(c.communities), day >= {first_day:Date}) AS communities
FROM film_mention_days AS c FINAL
WHERE day IN {days:Array(Date)} AND tmdb_id IN {films:Array(Int64)}
GROUP BY tmdb_id
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
