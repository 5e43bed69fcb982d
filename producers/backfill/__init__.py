"""Files of the past to Kafka: Reddit dumps and TMDB's daily files, through the records of the live producers."""
