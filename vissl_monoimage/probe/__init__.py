"""Linear probes of every convolution of a frozen trunk, after named and versioned protocols."""
