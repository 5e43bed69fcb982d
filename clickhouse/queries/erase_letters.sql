ALTER TABLE dead_letters UPDATE error = replaceRegexpAll(error, {pattern:String}, {instead:String})
WHERE match(error, {pattern:String})
