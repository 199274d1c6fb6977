"""Functions over vectors, labels, buckets, histograms and ranges; one table of implementations a file."""
