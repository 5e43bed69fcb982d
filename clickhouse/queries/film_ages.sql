-- Days from the release of every film to a day, negative before it; NaN where the release is unknown.
SELECT
    tmdb_id,
    -- A text that is no day of the calendar is unknown: a thirtieth of February would be read as the second of March.
    ifNull(if(toString(read_date) = release_date, toFloat64(dateDiff('day', read_date, {day:Date})), NULL), nan) AS age_days
FROM (SELECT tmdb_id, release_date, toDate32OrNull(release_date) AS read_date FROM films FINAL)
SETTINGS max_threads = 1
