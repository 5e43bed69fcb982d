-- How long ago a replay was last at work on a shadow database, seconds, and whether it is to be kept.
SELECT dateDiff('second', max(beat), now64(3)) AS idle_seconds, max(kept) AS kept
FROM {shadow:Identifier}.shadow_leases
