"""How fast the synthetic ECG is made: 1,000 recordings of 10 s, 12 leads, 500 Hz, with noise, in one thread.

python benchmarks/synthetic_generator.py [COUNT]
"""

import sys
import time

from ecg_edge.records.databases.synthetic import CLASSES
from ecg_edge.records.synthetic_ecg import synthesise

SECONDS = 10.0


def main() -> None:
    """Prints the measured seconds and the seconds of ECG made in one second."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    synthesise(CLASSES[0], seed=0)  # imports and first calls are not measured
    start = time.perf_counter()
    for seed in range(count):
        synthesise(CLASSES[seed % len(CLASSES)], seed, SECONDS, 500.0)
    elapsed = time.perf_counter() - start
    print(f"measured: {count} recordings of {SECONDS:g} s, 12 leads, 500 Hz in {elapsed:.2f} s")
    print(f"measured: {count * SECONDS / elapsed:,.0f} s of ECG per second")


if __name__ == "__main__":
    main()
