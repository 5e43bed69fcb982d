-- Tombstones that are old enough to be carried out.
SELECT count() AS found
FROM mentions
WHERE is_deleted = 1 AND ingested_at < now64(3) - toIntervalSecond({age_seconds:UInt32})
