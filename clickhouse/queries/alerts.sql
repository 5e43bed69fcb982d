-- What happened to films within some days, the latest first. Empty lists of kinds and films mean all of them.
SELECT
    a.kind AS kind,
    a.detail AS detail,
    a.state AS state,
    a.tmdb_id AS tmdb_id,
    f.title AS title,
    a.at AS at,
    a.happened_at AS happened_at,
    a.began_at AS began_at,
    a.score AS score,
    a.mentions AS mentions,
    a.expected AS expected,
    a.hours AS hours,
    a.authors AS authors,
    a.rank_before AS rank_before,
    a.rank_after AS rank_after,
    a.since AS since,
    a.version AS version
FROM
(
    SELECT *
    FROM alerts FINAL
    WHERE happened_at >= fromUnixTimestamp64Milli({begin_ms:Int64}, 'UTC')
        AND happened_at < fromUnixTimestamp64Milli({end_ms:Int64}, 'UTC')
        AND (empty({kinds:Array(String)}) OR has({kinds:Array(String)}, kind))
        AND (empty({films:Array(Int64)}) OR has({films:Array(Int64)}, tmdb_id))
    ORDER BY happened_at DESC, kind, detail, tmdb_id, at
    LIMIT {limit:UInt32}
) AS a
LEFT JOIN
(
    SELECT tmdb_id, toNullable(title) AS title FROM films FINAL
) AS f ON f.tmdb_id = a.tmdb_id
ORDER BY happened_at DESC, kind, detail, tmdb_id, at
