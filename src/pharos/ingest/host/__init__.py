"""The host as a target that needs no exporter: node_exporter's families, read from the system."""
