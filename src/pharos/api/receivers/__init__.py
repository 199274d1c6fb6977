"""What senders push to: remote write and OTLP."""
