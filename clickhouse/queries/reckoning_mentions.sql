-- Every mention that stands, as its identity.
SELECT tmdb_id, post_id, toUnixTimestamp64Milli(created_at) AS created_at_ms
FROM mentions FINAL
WHERE is_deleted = 0
