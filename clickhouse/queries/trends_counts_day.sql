-- As trends_counts.sql tells it, of a single day, whose counts are a row a film; films whose count fell to 0 too, last.
SELECT
    tmdb_id, mentions, submissions, comments,
    sum(mentions) OVER () AS all_mentions,
    closed_revision > 0 AND revision > closed_revision AS revised_days,
    sum(revised_days) OVER () AS all_revised_days
FROM mention_counts FINAL
WHERE day = {day:Date}
ORDER BY mentions DESC, tmdb_id
LIMIT {limit:UInt32}
SETTINGS max_threads = 1, do_not_merge_across_partitions_select_final = 1
