"""Figures of a recipe by cross-validation, for data whose test part is too small to measure with."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecg_edge.api.cross_validation import pool_folds
from ecg_edge.tflite_predictor import TFLitePredictor
from export.tflite import flatbuffer
from firmware_bench.runtime.files import atomic_write
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest, read_metadata

if TYPE_CHECKING:
    from ecg_edge import Reporter, Run


def evaluate_folds(
    trained: "Run", recipe: Mapping[str, Any], reporter: "Reporter"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cross-validate a recipe, in float and with the files exported from the folds; what is there already stays.

    Args:
        trained: A run of the recipe. Those of the folds are beside it, in RUN-folds.
        recipe: What the TOML file has.
        reporter: Receives messages and progress.

    Returns:
        The figures in float and in integers, as `pool_folds` returns them.
    """
    import ecg_edge

    folder, count = trained.path.with_name(f"{trained.path.name}-folds"), recipe["folds"]
    arguments = {**recipe["train"], "settings": dict(recipe["train"]["settings"])}
    if init := trained.settings.training.init:
        arguments["settings"]["training.init"] = init
    real = ecg_edge.cross_validate(**arguments, folder=folder, folds=count, reporter=reporter)
    runs, held_out = [ecg_edge.Run(folder / f"fold-{number}") for number in range(1, count + 1)], []
    for run in runs:
        file = run.path / "export" / "fold.tflite"
        if not file.exists():
            ecg_edge.export(run, out=file, **recipe.get("export", {}), reporter=reporter)
        predictor = TFLitePredictor(file.read_bytes())
        run.task.decision = predictor.metadata.decision
        held_out.append(run.task.predict(predictor, run.examples("test")))
    return real.values, pool_folds(runs, held_out, reporter)


def set_decision(file: Path, decision: Mapping[str, Any]) -> None:
    """Give a file the thresholds and the temperature of the pooled figures, `decision`."""
    data = file.read_bytes()
    metadata = dataclasses.replace(read_metadata(data), decision=dict(decision), digest=DIGEST_PLACEHOLDER)
    with atomic_write(file) as temporary:
        temporary.write_bytes(insert_digest(flatbuffer.set_metadata(data, metadata)))


def describe_folds(trained: "Run", folds: int, patients: int) -> str:
    """Describe what the figures of a cross-validation are measured on, and what the file is."""
    learnt = len(trained.split["train"])
    return (
        f"by patient, seed {trained.settings.seed}. The figures are of {folds} folds of the {patients} patients "
        "outside the test part, which nobody read: each was predicted by a model that has not seen it. The file is "
        f"none of these: the same recipe trained it on {learnt} recordings; its thresholds are the means of the folds'"
    )
