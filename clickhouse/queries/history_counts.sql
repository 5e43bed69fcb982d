-- Mentions of the films given on each day of a range, and of all others together (film 0), as they were known at
-- the end of the last whole minute before an instant; now, where it is 0. Days without a count have no row.
SELECT if(tmdb_id IN {films:Array(Int64)}, tmdb_id, 0) AS film, day, sum(n) AS mentions, min(is_final) AS is_final
FROM
(
    SELECT tmdb_id, day, c.mentions AS n, c.state = 'final' AS is_final
    FROM mention_counts AS c FINAL
    WHERE {at_ms:Int64} = 0 AND day BETWEEN {first_day:Date} AND {last_day:Date}
    UNION ALL
    SELECT tmdb_id, day, argMax(h.mentions, h.revision) AS n, argMax(h.state = 'final', h.revision) AS is_final
    FROM mention_count_history AS h
    WHERE {at_ms:Int64} > 0 AND day BETWEEN {first_day:Date} AND {last_day:Date}
        AND stored_in < toStartOfMinute(fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC'))
    GROUP BY tmdb_id, day
)
GROUP BY film, day
