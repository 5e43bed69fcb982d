-- The films most mentioned, by the stream processor's counts of films and days, `film_days`. all_mentions is the sum over
-- all films, not only those returned; revised_days are a film's days whose count changed after the day was closed,
-- all_revised_days those of all films.
SELECT
    tmdb_id, mentions, submissions, comments, all_mentions, revised_days, all_revised_days
FROM
(
    SELECT
        tmdb_id,
        sum(c.mentions) AS mentions,
        sum(c.submissions) AS submissions,
        sum(c.comments) AS comments,
        sum(sum(c.mentions)) OVER () AS all_mentions,
        countIf(closed_revision > 0 AND revision > closed_revision) AS revised_days,
        sum(countIf(closed_revision > 0 AND revision > closed_revision)) OVER () AS all_revised_days
    FROM film_days AS c
    GROUP BY tmdb_id
)
WHERE mentions > 0
ORDER BY mentions DESC, tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
