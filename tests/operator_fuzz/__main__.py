"""Fuzz the C99 generator operator by operator, and print how many files were tried, refused and wrong.

python tests/operator_fuzz --seconds 300 --seed 1 --operator CONV_2D --result benchmarks/results/operator-fuzz.json
"""

import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the folder of tests, so that `operator_fuzz` is a package here
sys.path[1:1] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "benchmarks")]

import click  # noqa: E402
from benchmark_result import report, result_option  # noqa: E402

from export.tflite.operator_facts import micro_difference  # noqa: E402
from export.verify.runtimes import micro_installed  # noqa: E402
from operator_fuzz.cases import CASES  # noqa: E402
from operator_fuzz.comparison import Case, fuzz  # noqa: E402


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Time for all operators together.")
@click.option("--seed", default=0, show_default=True)
@click.option("--operator", "names", multiple=True, type=click.Choice(sorted(CASES)), help="All by default.")
@result_option
def main(seconds: float, seed: int, names: tuple[str, ...], result: Path | None) -> None:
    """Compare generated programs of random operators with LiteRT and TensorFlow Lite Micro."""
    start = time.monotonic()
    cases = fuzz(names or sorted(CASES), seed, seconds)
    for case in cases:
        if case.wrong:
            click.echo(f"{case.operator}, {case.bits} bits, case {case.seed}: {case.wrong}", err=True)
    rows = [_row(name, [case for case in cases if case.operator == name]) for name in names or sorted(CASES)]
    micro = "LiteRT and TensorFlow Lite Micro" if micro_installed() else "LiteRT alone"
    conditions = f"{time.monotonic() - start:.0f} s, cases from {seed} on, against {micro}"
    report(result, "Generated programs of one random operator each", "measured", conditions, rows)
    sys.exit(any(row["wrong"] for row in rows))


def _row(name: str, cases: list[Case]) -> dict:
    facts = {bits: micro_difference(name, bits) for bits in sorted({case.bits for case in cases})}
    return {
        "operator": name,
        "tried": len(cases),
        "refused": sum(bool(case.refusal) for case in cases),
        "wrong": sum(bool(case.wrong) for case in cases),
        "micro": "; ".join(f"{bits} bits: {fact.reason}" for bits, fact in facts.items() if fact) or "equal",
    }


if __name__ == "__main__":
    main()
