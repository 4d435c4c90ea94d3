"""Fuzzing: `python tests/fuzz` prints for every target how many damaged contents were tried and how many went wrong."""
