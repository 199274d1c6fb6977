"""Syslog: messages of RFC 5424 and RFC 3164, framed as RFC 6587 has it, over TCP, UDP and TLS."""
