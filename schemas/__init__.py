"""The contract between the stages: Avro schemas, the records they describe, the wire format and the topics."""
