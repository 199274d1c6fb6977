"""What listeners and sources that are not HTTP share: lines gather within bounds, and go in together."""
