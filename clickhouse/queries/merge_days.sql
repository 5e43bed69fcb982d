-- Months that lie in one merged part are passed over.
OPTIMIZE TABLE popularity_days FINAL SETTINGS optimize_skip_merged_partitions = 1
