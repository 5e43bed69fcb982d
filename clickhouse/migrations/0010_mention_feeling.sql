-- What the link stage tells of text and author while they are there, so that neither has to be kept.
ALTER TABLE mentions
    ADD COLUMN IF NOT EXISTS sentiment Nullable(Float64) COMMENT 'Compound sentiment of the sentences that hold the film, -1 to 1; null when no sentence of the post does' AFTER origin,
    ADD COLUMN IF NOT EXISTS author_sketch Nullable(Int32) COMMENT 'Observation for counting distinct authors of the film, and no author: register times 64 plus rank; null when unknown' AFTER sentiment
