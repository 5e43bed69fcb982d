-- Dead letters whose bytes the topic has no more, by what went wrong: those before the first offset that their
-- partition still has, and those of a topic that was made anew since.
SELECT
    stage, source, reason, count() AS letters,
    toUnixTimestamp64Milli(min(failed_at)) AS oldest, toUnixTimestamp64Milli(max(failed_at)) AS newest
FROM dead_letters FINAL
WHERE
    (
        source_offset < arrayElement({first_offsets:Array(UInt64)}, source_partition + 1)
        OR bitShiftRight(revision, 48) < (SELECT max(bitShiftRight(revision, 48)) FROM dead_letters)
    )
    AND failed_at >= fromUnixTimestamp64Milli({since:Int64})
    AND ({stage:String} = '' OR stage = {stage:String})
    AND ({source:String} = '' OR source = {source:String})
    AND ({reason:String} = '' OR reason = {reason:String})
GROUP BY stage, source, reason
ORDER BY letters DESC, stage, source, reason
