"""Graphs as pictures, without a browser: SVG by ourselves, PNG of that by resvg where it is installed."""
