-- Films of one day in the order of one of TMDB's metrics; `by` names the order, and with it who is listed.
SELECT
    tmdb_id, popularity, votes, wow, wow_percent, vote_velocity, vote_acceleration, engagement, viral_coefficient,
    viral_coefficient_before, viral_category, viral_score, viral_score_category, trend, emerging, breakout, rank,
    rank_before,
    if(joined OR departed, NULL, toInt64(rank_before) - toInt64(rank)) AS rank_change,
    toBool(ifNull(rank <= {top:UInt32}, 0) AND compared_days > 0 AND ifNull(rank_before > {top:UInt32}, 1)) AS joined,
    toBool(ifNull(rank_before <= {top:UInt32}, 0) AND ifNull(rank > {top:UInt32}, 1)) AS departed,
    compared_days,
    count() OVER () AS qualified
FROM popularity_on(day = {day:Date})
WHERE isNotNull(multiIf(
        {by:String} = 'popularity', popularity,
        {by:String} = 'rank', -toFloat64(rank),
        {by:String} = 'gainers', if(wow_percent > 0 AND popularity_yesterday >= {floor:Float64}, wow_percent, NULL),
        {by:String} = 'decliners', if(wow_percent < 0, -wow_percent, NULL),
        {by:String} = 'velocity', vote_velocity,
        {by:String} = 'acceleration', vote_acceleration,
        {by:String} = 'viral', viral_score,
        {by:String} = 'coefficient', if(viral_coefficient >= 20, viral_coefficient, NULL),
        {by:String} = 'emerging', if(emerging, vote_acceleration, NULL),
        {by:String} = 'breakout', if(breakout IS NULL, NULL, viral_coefficient),
        {by:String} = 'joiners', if(joined, -toFloat64(rank), NULL),
        {by:String} = 'leavers', if(departed, -toFloat64(rank_before), NULL),
        {by:String} = 'risers', if(rank_change > 0, toFloat64(rank_change), NULL),
        NULL) AS key)
ORDER BY key DESC, tmdb_id
LIMIT {limit:UInt32}
-- One thread: for some ten thousand films, sharing the work out costs more than it saves.
SETTINGS max_threads = 1
