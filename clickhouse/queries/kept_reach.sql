-- How far the mentions of a day that is kept reach, of the films given.
SELECT tmdb_id, length(arrayDistinct(communities)) AS communities, engagement_weight, authors
FROM mention_days FINAL
WHERE day = {day:Date} AND tmdb_id IN {films:Array(Int64)}
SETTINGS max_threads = 1
