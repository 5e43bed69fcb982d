"""Kafka to Kafka: link posts to films, count mentions per film and day."""
