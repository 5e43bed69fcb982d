-- The mentions of some days that only one side has, or that differ. `observed_at` is left out: a log whose first observation
-- of a post has expired tells of the same mention as of a later one. Live rows count where the log can speak of them:
-- of posts that it still has, and written since the topic was made.
INSERT INTO {shadow:Identifier}.mention_differences
WITH
    ['created_at', 'community', 'kind', 'location', 'method', 'confidence', 'thread_id', 'score', 'num_comments',
        'linker_version', 'origin', 'sentiment', 'author_sketch'] AS names,
    arrayFilter(place -> has_replayed != has_live OR replayed_all[place] != live_all[place], arrayEnumerate(names))
        AS places
SELECT
    day, tmdb_id, platform, post_id,
    multiIf(has_live = 0, 'only_replay', has_replayed = 0, 'only_live', 'differing') AS difference,
    if(difference = 'differing', arrayMap(place -> names[place], places), []) AS columns,
    if(difference = 'differing', arrayMap(place -> replayed_all[place], places), []) AS replayed,
    if(difference = 'differing', arrayMap(place -> live_all[place], places), []) AS live
FROM
(
    SELECT
        day, tmdb_id, platform, post_id,
        countIf(from_live = 0) AS has_replayed,
        countIf(from_live = 1) AS has_live,
        anyIf(said, from_live = 0) AS replayed_all,
        anyIf(said, from_live = 1) AS live_all
    FROM
    (
        SELECT
            toDate(created_at) AS day, tmdb_id, platform, post_id, 0 AS from_live,
            [toString(created_at), community, kind, location, method, toString(confidence), ifNull(thread_id, '\\N'),
                toString(score), ifNull(toString(num_comments), '\\N'), linker_version, origin,
                ifNull(toString(sentiment), '\\N'), ifNull(toString(author_sketch), '\\N')] AS said
        FROM {shadow:Identifier}.mentions FINAL
        WHERE toDate(created_at) BETWEEN {first_day:Date} AND {last_day:Date}
        UNION ALL
        SELECT
            toDate(created_at) AS day, tmdb_id, platform, post_id, 1 AS from_live,
            [toString(created_at), community, kind, location, method, toString(confidence), ifNull(thread_id, '\\N'),
                toString(score), ifNull(toString(num_comments), '\\N'), linker_version, origin,
                ifNull(toString(sentiment), '\\N'), ifNull(toString(author_sketch), '\\N')] AS said
        FROM mentions FINAL
        WHERE toDate(created_at) BETWEEN {first_day:Date} AND {last_day:Date}
            AND revision > {least_revision:UInt64}
            AND ({every_post:UInt8} OR post_id IN (SELECT post_id FROM {shadow:Identifier}.replayed_posts))
    )
    GROUP BY day, tmdb_id, platform, post_id
)
WHERE has_replayed != has_live OR replayed_all != live_all
