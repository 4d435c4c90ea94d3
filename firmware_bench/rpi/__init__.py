"""Benchmarks on a Raspberry Pi: this machine, or another one over ssh."""
