"""What quantisation costs: trained runs on their test parts, in float and as each of their exported files.

    python benchmarks/quantisation.py RUN…

Evaluates the Keras model and every file in RUN/export on the same recordings, with a 95 % interval for each difference
(bootstrap over patients), and prints one table: of every file the headline figure of its task and, where the task has
one, the area under the precision-recall curve, which no threshold moves. Exports come first:
ecg-edge export RUN --int8 [--qat] [--target rpi].
"""

from pathlib import Path

import click

AREAS = (("macro_auprc",), ("auprc",))


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(runs):
    from ecg_edge import console
    from ecg_edge.keras_backend import import_keras

    import_keras()
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
    from ecg_edge.evaluation.evaluator import compute_unit_metrics, paired_difference
    from ecg_edge.run import Run
    from ecg_edge.tasks.predictor import KerasPredictor
    from ecg_edge.tflite_predictor import TFLitePredictor

    run = Run(folder)
    task = next(iter(run.task.variants().values()))
    examples = run.examples("test")
    reference = compute_unit_metrics(task, KerasPredictor(run.model()), examples)
    rows = []
    for file in sorted((run.path / "export").glob("*.tflite")):
        predictor = TFLitePredictor(file)
        task.decision = predictor.metadata.decision
        measured = compute_unit_metrics(task, predictor, examples)
        everyone = range(len(measured.patients))
        before, after = reference.statistic(list(everyone)), measured.statistic(list(everyone))
        parity = predictor.metadata.metrics["parity"]
        same = parity.get("same_decision", parity.get("rank_correlation"))
        size = file.stat().st_size
        bar = predictor.metadata.parameters * 1.06 + 20_000  # bytes: weights of 8 bits, and what describes them
        about = [f"{same:.2%}", f"{parity['decibels']:.1f}", f"{size:,}", f"{size / bar:.0%}"]
        for name in dict.fromkeys([measured.headline, *(name for name in AREAS if name in after)]):
            change = paired_difference(measured, reference, name=name)
            rows.append(
                [
                    folder.name,
                    file.stem.partition("-")[2],
                    " ".join(name).replace("_", " "),
                    f"{before[name]:.4f}",
                    f"{after[name]:.4f}",
                    f"{change['value']:+.4f}",
                    f"{change['low']:+.4f}, {change['high']:+.4f}",
                    *about,
                ]
            )
            about = [""] * 4
    return rows


if __name__ == "__main__":
    main()
