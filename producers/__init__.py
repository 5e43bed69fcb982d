"""The world to Kafka: pollers of Reddit and TMDB that publish what they see by the contract in `schemas`."""
