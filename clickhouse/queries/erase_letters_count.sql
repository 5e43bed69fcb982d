-- How many dead letters name some posts in their message.
SELECT count() AS found FROM dead_letters WHERE match(error, {pattern:String})
