-- The days, over by now and before a day, of which mention_days has not what mentions has, those first that were looked at longest ago;
-- and the time before anything of them is read.
SELECT day, toUnixTimestamp64Milli(now64(3)) AS read_ms, m.fingerprint AS fingerprint
FROM
(
    SELECT toDate(created_at) AS day, sum(cityHash64(tmdb_id, revision, is_deleted)) AS fingerprint
    FROM mentions
    WHERE toDate(created_at) >= {first_day:Date} AND toDate(created_at) < least(toDate(now('UTC')), {before:Date})
    GROUP BY day
) AS m
FULL JOIN (SELECT * FROM mention_days_kept FINAL WHERE day >= {first_day:Date} AND day < {before:Date}) AS k USING day
WHERE m.fingerprint != k.fingerprint
ORDER BY k.kept_at, day DESC
LIMIT {limit:UInt32}
