"""What else happened where something did: of a series, a log line, a span or an alert to all other signals.

`resource` says what is about the same thing, `subject` finds what is asked about, `find` asks every signal at
once. What ties two things together is a `Reason`: a trace, a resource, or only the time.
"""
