"""Fuzz everything that reads untrusted content, and print how many contents were tried and how many went wrong.

python tests/fuzz --seconds 600 --seed 1 --target wfdb_header --result benchmarks/results/fuzz.json
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the folder of tests, so that `fuzz` is a package here as in pytest
sys.path.insert(1, str(Path(__file__).parents[2]))

import click  # noqa: E402

from firmware_bench.runtime.files import write_json  # noqa: E402
from fuzz.fuzzing import fuzz, load_targets  # noqa: E402


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Time for each target.")
@click.option("--seed", default=0, show_default=True)
@click.option("--target", "names", multiple=True, help="Names of targets; all by default.")
@click.option("--result", type=click.Path(path_type=Path), help="JSON file to write.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for the contents that went wrong.")
def main(seconds: float, seed: int, names: tuple[str, ...], result: Path | None, keep: Path | None) -> None:
    """Fuzz everything that reads untrusted content."""
    found, rows = load_targets(), []
    click.echo(f"{'target':24} {'tried':>8} {'refused':>8} {'wrong':>6}")
    for name in names or found:
        outcome = fuzz(found[name], seconds, seed)
        click.echo(f"{name:24} {outcome.tried:8} {outcome.refused:8} {len(outcome.wrong):6}")
        for wrong in outcome.wrong[:10]:
            click.echo(f"    attempt {wrong.number}: {wrong.text}")
        for wrong in outcome.wrong if keep else ():
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{name}-{wrong.number}").write_bytes(wrong.content)
        rows.append({"target": name, "tried": outcome.tried, "refused": outcome.refused, "wrong": len(outcome.wrong)})
    if result:
        write_json(result, {"seconds": seconds, "seed": seed, "targets": rows})
    sys.exit(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    main()
