-- The view by popularity_days, where what two days are compared by lies together: in half the time of the snapshots.
DROP VIEW IF EXISTS top_changes;

CREATE VIEW IF NOT EXISTS top_changes AS
WITH {day:Date} AS asked
SELECT
    r.tmdb_id AS tmdb_id,
    f.title AS title,
    if(r.now <= {top:UInt32}, 'joined', 'left') AS change,
    r.now AS rank,
    r.before AS rank_before,
    r.compared AS compared_days
FROM
(
    SELECT
        tmdb_id, compared,
        if(isNull(p0), NULL, place) AS now,
        if(isNull(value_before), NULL, place_before) AS before
    FROM
    (
        SELECT
            tmdb_id, compared, p0, value_before,
            row_number() OVER (ORDER BY p0 DESC NULLS LAST, tmdb_id) AS place,
            row_number() OVER (ORDER BY value_before DESC NULLS LAST, tmdb_id) AS place_before
        FROM
        (
            SELECT
                tmdb_id, p0,
                toUInt8(multiIf(2 * seen_1 >= seen, 1, 2 * seen_2 >= seen, 2, 0)) AS compared,
                multiIf(compared = 1, p1, compared = 2, p2, NULL) AS value_before
            FROM
            (
                SELECT *, count(p0) OVER () AS seen, count(p1) OVER () AS seen_1, count(p2) OVER () AS seen_2
                FROM
                (
                    SELECT
                        tmdb_id,
                        if(max(d.p0) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p0)))) AS p0,
                        if(max(d.p1) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p1)))) AS p1,
                        if(max(d.p2) = 0, NULL, reinterpretAsFloat64(toUInt64(max(d.p2)))) AS p2
                    FROM popularity_days AS d
                    WHERE d.day = asked
                    GROUP BY tmdb_id
                )
            )
        )
    )
    WHERE compared > 0 AND ifNull(now <= {top:UInt32}, 0) != ifNull(before <= {top:UInt32}, 0)
) AS r
LEFT JOIN (SELECT tmdb_id, title FROM films FINAL) AS f ON f.tmdb_id = r.tmdb_id
ORDER BY change, if(change = 'joined', r.now, r.before)
COMMENT 'Films that joined or left the first places of TMDB popularity on a day: top_changes(day = ..., top = ...). tmdb_id, title; change: joined or left; rank, rank_before: place on the day and on the day compared with, null where the film was not seen; compared_days: how many days ago that is. This product uses the TMDB API but is not endorsed or certified by TMDB.'
