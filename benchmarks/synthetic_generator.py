"""Speed of the synthetic ECG: recordings of 10 s, 12 leads, 500 Hz, with noise, in one thread.

python benchmarks/synthetic_generator.py [--count 1000]
"""

import time

import click
from benchmark_result import report, result_option, run

SECONDS, FS = 10.0, 500.0


@click.command()
@click.option("--count", default=1000, show_default=True, help="Recordings to make.")
@result_option
def main(count, result):
    from ecg_edge.records.databases.synthetic import CLASSES
    from ecg_edge.records.synthetic_ecg import synthesise

    synthesise(CLASSES[0], seed=0)  # imports and first calls are not measured
    start = time.perf_counter()
    for seed in range(count):
        synthesise(CLASSES[seed % len(CLASSES)], seed, SECONDS, FS)
    elapsed = time.perf_counter() - start
    row = {
        "recordings": count,
        "seconds": round(elapsed, 2),
        "ecg_seconds_per_second": round(count * SECONDS / elapsed),
    }
    report(result, "Speed of the synthetic ECG", "measured", f"{SECONDS:g} s, 12 leads, {FS:g} Hz, one thread", [row])


if __name__ == "__main__":
    run(main)
