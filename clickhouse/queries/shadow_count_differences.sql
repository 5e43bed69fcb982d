-- The film-days, of some days, that the replay and the live table count differently. Mentions about which the log cannot speak any
-- more are added to the replay's counts as they stand.
INSERT INTO {shadow:Identifier}.count_differences
SELECT day, tmdb_id, sum(here) AS replayed, sum(there) AS live
FROM
(
    SELECT day, tmdb_id, c.mentions AS here, toInt64(0) AS there
    FROM {shadow:Identifier}.mention_counts AS c FINAL
    WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
    UNION ALL
    SELECT toDate(created_at) AS day, tmdb_id, toInt64(1) AS here, toInt64(0) AS there
    FROM mentions FINAL
    WHERE toDate(created_at) BETWEEN {first_day:Date} AND {last_day:Date}
        AND NOT (revision > {least_revision:UInt64}
            AND ({every_post:UInt8} OR post_id IN (SELECT post_id FROM {shadow:Identifier}.replayed_posts)))
    UNION ALL
    SELECT day, tmdb_id, toInt64(0) AS here, c.mentions AS there
    FROM mention_counts AS c FINAL
    WHERE day BETWEEN {first_day:Date} AND {last_day:Date}
)
GROUP BY day, tmdb_id
HAVING replayed != live
