"""What the APIs of traces share: OTLP of stored spans, and Pharos' own addresses."""
