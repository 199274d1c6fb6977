"""Graphs as pictures over HTTP: of a query, and of an alert under a link that runs out."""
