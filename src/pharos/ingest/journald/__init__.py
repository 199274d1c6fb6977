"""Journals of systemd in the Journal Export Format (systemd.io/JOURNAL_EXPORT_FORMATS) become OTLP."""
