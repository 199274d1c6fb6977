"""Native histograms: one as a value, many as columns, and their arithmetic, rates and quantiles."""
