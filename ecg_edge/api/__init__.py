"""The functions behind `import ecg_edge`, one file for each: what the command line, notebooks and benchmarks call."""
