"""A value at every step of every series: grids, how they are made of samples, labelled and matched."""
