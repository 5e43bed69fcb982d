"""Kafka to tables to answers: migrations, the sink, the queries, and the embedded server."""
