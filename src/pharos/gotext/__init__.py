"""How Go, and Prometheus with it, writes numbers, durations and quoted strings, and reads them: once."""
