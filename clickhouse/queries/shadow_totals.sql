-- What a comparison found. `fingerprint` is the same for the same differences.
SELECT
    (SELECT count() FROM {shadow:Identifier}.mentions FINAL) AS mentions_replayed,
    (SELECT count() FROM mentions FINAL
        WHERE toDate(created_at) >= {first_day:Date} AND toDate(created_at) < {end_day:Date}) AS mentions_live,
    (SELECT count() FROM mentions FINAL
        WHERE toDate(created_at) >= {first_day:Date} AND toDate(created_at) < {end_day:Date}
            AND NOT (revision > {least_revision:UInt64}
                AND ({every_post:UInt8} OR post_id IN (SELECT post_id FROM {shadow:Identifier}.replayed_posts))))
        AS mentions_beyond_log,
    (SELECT countIf(difference = 'only_replay') FROM {shadow:Identifier}.mention_differences) AS mentions_only_replay,
    (SELECT countIf(difference = 'only_live') FROM {shadow:Identifier}.mention_differences) AS mentions_only_live,
    (SELECT countIf(difference = 'differing') FROM {shadow:Identifier}.mention_differences) AS mentions_differing,
    (SELECT count() FROM {shadow:Identifier}.mention_counts AS c FINAL WHERE c.mentions != 0) AS film_days_replayed,
    (SELECT count() FROM mention_counts AS c FINAL
        WHERE c.mentions != 0 AND day >= {first_day:Date} AND day < {end_day:Date}) AS film_days_live,
    (SELECT count() FROM {shadow:Identifier}.count_differences) AS film_days_differing,
    (SELECT groupBitXor(cityHash64(day, tmdb_id, post_id, difference, replayed, live))
        FROM {shadow:Identifier}.mention_differences) AS mentions_fingerprint,
    (SELECT groupBitXor(cityHash64(day, tmdb_id, replayed, live))
        FROM {shadow:Identifier}.count_differences) AS counts_fingerprint
