"""Remote write: version 2.0 to 1.0 by kernels, and messages of 1.0 for what is made in this process."""
