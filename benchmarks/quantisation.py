"""What quantisation costs: trained runs on their test parts, in float and as each of their exported files.

    python benchmarks/quantisation.py RUN…

Evaluates the Keras model and every file in RUN/export on the same recordings, with one 95 % interval for the difference
(bootstrap over patients), and prints one table. Exports come first: ecg-edge export RUN --int8 [--qat] [--target rpi].
"""

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(runs):
    from ecg_edge.cli import console

    console.import_keras()
    header = [
        "run",
        "file",
        "figure",
        "float",
        "integers",
        "difference",
        "95 %",
        "same decision",
        "dB",
        "bytes",
        "of the bar",
    ]
    rows = [row for run in runs for row in rows_of(run)]
    console.table("Trained runs on their test parts, measured", header, rows)


def rows_of(folder):
    from ecg_edge.evaluation.evaluate import difference, measure
    from ecg_edge.evaluation.predictors import KerasPredictor, TFLitePredictor
    from ecg_edge.run import Run

    run = Run(folder)
    task = next(iter(run.task.variants().values()))
    examples = run.examples("test")
    reference = measure(task, KerasPredictor(run.model()), examples)
    rows = []
    for file in sorted((run.path / "export").glob("*.tflite")):
        predictor = TFLitePredictor(file)
        measured = measure(task, predictor, examples)
        change, name = difference(measured, reference), measured.headline
        everyone = range(len(measured.patients))
        parity = predictor.metadata["metrics"]["parity"]
        same = parity.get("same_decision", parity.get("rank_correlation"))
        size = file.stat().st_size
        bar = predictor.metadata["parameters"] * 1.06 + 20_000  # bytes: weights of 8 bits, and what describes them
        rows.append(
            [
                folder.name,
                file.stem.partition("-")[2],
                " ".join(name).replace("_", " "),
                f"{reference.statistic(list(everyone))[name]:.4f}",
                f"{measured.statistic(list(everyone))[name]:.4f}",
                f"{change['value']:+.4f}",
                f"{change['low']:+.4f}, {change['high']:+.4f}",
                f"{same:.2%}",
                f"{parity['decibels']:.1f}",
                f"{size:,}",
                f"{size / bar:.0%}",
            ]
        )
    return rows


if __name__ == "__main__":
    main()
