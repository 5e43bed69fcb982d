"""The world to Kafka: Reddit posts and TMDB popularity as Avro records."""
