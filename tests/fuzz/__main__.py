"""Fuzz everything that reads untrusted content, and print how many contents were tried and how many went wrong.

python tests/fuzz --seconds 600 --seed 1 --target wfdb_header --result benchmarks/results/fuzz.json
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the folder of tests, so that `fuzz` is a package here as in pytest
sys.path[1:1] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "benchmarks")]

import click  # noqa: E402
from benchmark_result import report, result_option  # noqa: E402

from fuzz.fuzzing import describe, fuzz, load_targets  # noqa: E402


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Time for each target.")
@click.option("--seed", default=0, show_default=True)
@click.option("--target", "names", multiple=True, help="Names of targets; all by default.")
@result_option
@click.option("--attempt", type=int, help="Repeat the attempt of this number alone, of one target.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for the contents that went wrong.")
def main(
    seconds: float, seed: int, names: tuple[str, ...], attempt: int | None, result: Path | None, keep: Path | None
) -> None:
    """Fuzz everything that reads untrusted content."""
    found, rows = load_targets(), []
    if unknown := set(names) - found.keys():
        raise click.UsageError(f"there is no target {', '.join(sorted(unknown))}: {', '.join(found)}")
    if attempt is not None and len(names) != 1:
        raise click.UsageError("--attempt repeats an attempt of one --target")
    for name in names or found:
        outcome = fuzz(found[name], seconds, seed, *((None, 0) if attempt is None else (1, attempt)))
        click.echo(f"{name}: {outcome.tried} tried, {outcome.refused} refused, {len(outcome.wrong)} wrong", err=True)
        for wrong in outcome.wrong:
            again = f"python tests/fuzz --target {name} --seed {seed} --attempt {wrong.number} --keep DIR"
            click.echo(f"    {wrong.text}; again: {again}", err=True)
        for wrong in outcome.wrong if keep else ():
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{name}-{wrong.number}").write_bytes(wrong.content)
        figures = {"tried": outcome.tried, "refused": outcome.refused, "wrong": len(outcome.wrong)}
        rows.append({"target": name, "content": describe(found[name]), **figures})
    title = "Damaged and hostile content: tried, refused in one line, and wrong"
    report(result, title, "measured", f"{seconds:g} s for each target, seed {seed}", rows)
    sys.exit(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    main()
