"""Pharos' own addresses about alerts: who is told, who is on call, what happened, what people do about it."""
