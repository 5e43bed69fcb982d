-- The joiners and leavers told so far, oldest first: `cinepulse demo` holds them against what happened in its world.
SELECT kind, tmdb_id, toUnixTimestamp64Milli(at) AS at_ms
FROM alerts FINAL
WHERE kind IN ('joined', 'left') AND at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
ORDER BY at, kind, tmdb_id
