"""The embedded stack: real Kafka and ClickHouse, supervised, in one data directory."""
