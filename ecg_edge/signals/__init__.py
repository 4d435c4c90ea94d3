"""Signal processing: preprocessing steps, R peaks, where windows start."""
