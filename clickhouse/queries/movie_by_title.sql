-- Films that answer to the title, in any of their titles and whatever its case; where none does, those whose titles
-- contain it. The most popular first.
WITH
    lowerUTF8({title:String}) AS asked,
    arrayMap(t -> lowerUTF8(t), arrayConcat([title, ifNull(original_title, '')], alternative_titles)) AS titles
SELECT
    tmdb_id, title, original_title, release_date, popularity, vote_average, genres, directors,
    has(titles, asked) AS exact
FROM films FINAL
WHERE exact OR arrayExists(t -> position(t, asked) > 0, titles)
ORDER BY exact DESC, popularity DESC NULLS LAST, tmdb_id
LIMIT {limit:UInt32}
