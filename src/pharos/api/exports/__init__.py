"""What was found, as files that other programs read: CSV and Parquet, written while it is sent."""
