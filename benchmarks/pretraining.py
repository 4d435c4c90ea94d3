"""What pretraining without labels brings: the same training from fresh weights and from those of the task `pretrain`.

    python benchmarks/pretraining.py [--arch cnn_att_bilstm] [--preset tiny] [--signals cpsc2018+ludb] [--data ptbxl]

Scores are of the validation part, at the epoch of the lowest validation loss; the test part is not read.
"""

import csv
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
from benchmark_result import report, result_option, run


@click.command()
@click.option("--arch", default="cnn_att_bilstm", show_default=True)
@click.option("--preset", default="tiny", show_default=True)
@click.option("--signals", default="cpsc2018+ludb", show_default=True, help="Recordings to pretrain on.")
@click.option("--data", default="ptbxl", show_default=True, help="Recordings with labels.")
@click.option("--task", default="multilabel", show_default=True)
@click.option("--lead", default="I", show_default=True)
@click.option("--pretrain-epochs", default=60, show_default=True)
@click.option("--epochs", default=40, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@result_option
def main(arch, preset, signals, data, task, lead, pretrain_epochs, epochs, seeds, result):
    import ecg_edge

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder, reporter = Path(name), ecg_edge.LineReporter()
        first = ecg_edge.train(arch, preset, signals, task="pretrain", epochs=pretrain_epochs, folder=folder / "first",
                               reporter=reporter)  # fmt: skip
        explained = read_best(first.path)["validation_score"]
        for seed in range(seeds):
            for start, settings in (("fresh", {}), ("pretrained", {"training.init": str(first.path)})):
                trained = ecg_edge.train(arch, preset, data, [lead], task, settings, epochs, folder / f"{start}-{seed}",
                                         seed, reporter)  # fmt: skip
                best = read_best(trained.path)
                rows.append({"start": start, "seed": seed, **{key: round(value, 4) for key, value in best.items()}})
    for start in ("fresh", "pretrained"):
        own = [row for row in rows if row["start"] == start]
        means = {key: round(float(np.mean([row[key] for row in own])), 4) for key in own[0] if key.startswith("valid")}
        rows.append({"start": start, "seed": "mean", **means})
    conditions = (
        f"{arch}, {preset} preset, lead {lead}; pretrained on {signals} for {pretrain_epochs} epochs (of the hidden "
        f"signal's variance there {explained:.1%} explained), trained on {data} for {epochs}, task {task}; of the "
        "validation part"
    )
    report(result, "Training from fresh weights and from pretrained ones", "measured", conditions, rows)


def read_best(folder: Path) -> dict[str, float]:
    """The validation loss and score of a run's epoch of the lowest validation loss."""
    with open(folder / "history.csv", encoding="utf-8", newline="") as file:
        best = min(csv.DictReader(file), key=lambda row: float(row["validation_loss"]))
    return {key: float(best[key]) for key in ("validation_loss", "validation_score")}


if __name__ == "__main__":
    run(main)
