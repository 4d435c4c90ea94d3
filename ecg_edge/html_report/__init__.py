"""The report of runs: one HTML page with everything in it."""
