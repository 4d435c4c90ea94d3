"""Accuracy of trained runs before and after quantisation, on their test parts.

    python benchmarks/quantisation.py RUN…

Evaluates the Keras model and every file in RUN/export on the same recordings, with a 95 % interval for each difference
(bootstrap over patients): the headline metric of the task and, where the task has one, the area under the
precision-recall curve, which does not depend on thresholds. Exports come first: ecg-edge export RUN [--qat] [--target
rpi].
"""

from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

AREAS = (("macro_auprc",), ("auprc",))


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@result_option
def main(runs, result):
    from ecg_edge.keras_backend import import_keras

    import_keras()
    rows = [row for folder in runs for row in compare(folder)]
    conditions = "test part, 95 % intervals by bootstrap over patients"
    report(result, "Quantised files of trained runs on their test parts", "measured", conditions, rows)


def compare(folder: Path) -> list[dict]:
    """Return a row for each file in the run's export folder."""
    import ecg_edge
    from ecg_edge.evaluation.evaluator import compute_unit_metrics, paired_difference
    from ecg_edge.tasks.metrics import display_name
    from ecg_edge.tasks.predictor import KerasPredictor
    from ecg_edge.tflite_predictor import TFLitePredictor

    trained = ecg_edge.Run(folder)
    task = next(iter(trained.task.variants().values()))
    examples = trained.examples("test")
    floats = compute_unit_metrics(task, KerasPredictor(trained.model()), examples)
    rows = []
    for file in sorted((folder / "export").glob("*.tflite")):
        predictor = TFLitePredictor(file)
        task.decision = predictor.metadata.decision
        quantised = compute_unit_metrics(task, predictor, examples)
        units = np.arange(len(quantised.patients))
        before, after = floats.statistic(units), quantised.statistic(units)
        parity = predictor.metadata.metrics["parity"]
        agreement = parity["same_decision"] if "same_decision" in parity else parity["rank_correlation"]
        budget = (predictor.metadata.parameters or 0) * 1.06 + 20_000  # bytes: 8-bit weights, and their description
        row = {
            "run": folder.name,
            "file": file.stem,
            "metric": display_name(" ".join(quantised.headline)),
            "float": round(before[quantised.headline], 4),
            "quantised": round(after[quantised.headline], 4),
            "difference": round_interval(paired_difference(quantised, floats, name=quantised.headline)),
            "agreement_percent": round(100 * agreement, 2),
            "sqnr_db": round(parity["decibels"], 1),
            "bytes": file.stat().st_size,
            "budget_percent": round(100 * file.stat().st_size / budget),
        }
        for area in (area for area in AREAS if area in after and area != quantised.headline):
            row |= {
                "auprc_float": round(before[area], 4),
                "auprc_quantised": round(after[area], 4),
                "auprc_difference": round_interval(paired_difference(quantised, floats, name=area)),
            }
        rows.append(row)
    return rows


def round_interval(estimate: dict) -> dict:
    """Return {"value", "low", "high"} with four decimals."""
    return {name: round(float(estimate[name]), 4) for name in ("value", "low", "high")}


if __name__ == "__main__":
    run(main)
