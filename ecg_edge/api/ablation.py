"""The variants of a published study, trained alike and compared on the same test part."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg_edge.api.run_evaluation import evaluate
from ecg_edge.api.training_run import create_run, train_run
from ecg_edge.data.dataset import SYNTHETIC
from ecg_edge.evaluation.bootstrap import RESAMPLES
from ecg_edge.evaluation.evaluator import compute_unit_metrics, paired_difference
from ecg_edge.keras_backend import import_keras
from ecg_edge.number_format import format_interval, format_number
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.predictor import KerasPredictor
from ecg_edge.tasks.task import UnitMetrics
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.files import atomic_write, write_json
from models_keras.registry import Variant, find, names


@dataclasses.dataclass(frozen=True)
class Study:
    """The outcome of an ablation study.

    Attributes:
        architecture: Name of the architecture.
        name: Name of the study.
        variants: Per variant, as plain data: parameters, headline metric with its interval, difference from the first.
        folder: Where the runs, table.md and study.json are.
    """

    architecture: str
    name: str
    variants: list[dict[str, Any]]
    folder: Path

    def to_dict(self) -> dict[str, Any]:
        """Return the study as plain data, as stored in study.json."""
        return {"architecture": self.architecture, "study": self.name, "variants": self.variants}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of the table of variants."""
        metric = self.variants[0]["figure"].replace("_", " ")
        interval = "95 % interval"
        header = ["variant", "parameters", f"{metric}, test part", interval, "difference from the first", interval]
        rows = []
        for row in self.variants:
            change = row["difference"]
            difference = [format_number(change["value"]), format_interval(change)] if change else ["", ""]
            rows.append(
                [
                    row["variant"],
                    f"{row['parameters']:,}",
                    format_number(row["value"]),
                    format_interval(row),
                    *difference,
                ]
            )
        return header, rows


def ablate(
    arch: str,
    study: str,
    preset: str = "edge",
    data: str | Path | None = None,
    leads: Sequence[str] | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    epochs: int | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    reporter: Reporter | None = None,
) -> Study:
    """Train every variant of a study with the same data, split and seed, and compare them.

    Each variant is a run of its own in the study's folder, where the table is kept as table.md and study.json. An
    interrupted study continues when it is called again with the same arguments.

    Args:
        arch: The architecture.
        study: The study, one of the architecture's.
        preset: "paper", "edge" or "tiny".
        data: As for `train`.
        leads: The leads to use, where the study does not vary them.
        settings: Settings of all variants, as for `train`.
        epochs: At most so many epochs for each variant.
        seed: Decides the split, the initial weights and the order of the examples.
        folder: The study's folder; None: runs/ARCH-STUDY-DATA.
        reporter: Receives messages and progress.

    Returns:
        The variants with their headline metric and its difference from the first variant, with 95 % intervals.

    Raises:
        InputError: There is no such architecture or study, or both it and `leads` choose the leads.

    Examples:
        >>> ecg_edge.ablate("cnn_att_bilstm", "components", data="cinc2017").table()
    """
    reporter = reporter or Reporter()
    if arch not in names():
        raise unknown_name("architecture", arch, names())
    import_keras("a study")
    studies = find(arch).studies
    if study not in studies:
        raise unknown_name(f"study of {arch}", study, studies) if studies else InputError(f"{arch} has no studies")
    variants = studies[study]
    if leads and any(variant.leads for variant in variants):
        raise InputError(f"the study {study} varies the leads: leave out --leads")
    path = Path(folder) if folder else Path("runs") / f"{arch}-{study}-{Path(data or SYNTHETIC).name}"
    assignments = [f"{key}={value}" for key, value in settings.items()] if isinstance(settings, Mapping) else settings
    rows, reference = [], None
    for variant in variants:
        run = _train_variant(variant, arch, path, preset, data, leads, assignments, epochs, seed, reporter)
        row, metrics = _compare_variant(variant, run, reference, reporter)
        reference = reference or metrics
        rows.append(row)
    result = Study(arch, study, rows, path)
    header, table = result.table()
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *table)]
    with atomic_write(path / "table.md") as temporary:
        temporary.write_text("\n".join(lines) + "\n")
    write_json(path / "study.json", result.to_dict())
    return result


def _train_variant(
    variant: Variant, arch, folder: Path, preset, data, leads, assignments, epochs, seed, reporter: Reporter
) -> Run:
    """Train the variant's run to its end; variants that differ only in evaluation share one."""
    settings = [*assignments, *(f"{key}={value}" for key, value in variant.settings.items())]
    chosen = variant.leads.split(",") if variant.leads else leads
    changes = [variant.arch or arch, preset, *settings, *([",".join(chosen)] if chosen else [])]
    path = folder / re.sub(r"[^\w.=-]+", "_", "-".join(changes))
    reporter.message(f"{variant.name}: {path}")
    if (path / "config.json").exists():
        run = Run(path)
    else:
        run = create_run(
            variant.arch or arch,
            preset,
            data,
            chosen,
            settings=settings,
            epochs=epochs,
            folder=path,
            seed=seed,
            reporter=reporter,
        )
    return train_run(run, reporter)


def _compare_variant(
    variant: Variant, run: Run, reference: UnitMetrics | None, reporter: Reporter
) -> tuple[dict[str, Any], UnitMetrics]:
    """Return the variant's row as plain data, and its metrics."""
    result = evaluate(run, tta=variant.tta, reporter=reporter).values
    model = run.model()
    task = next(iter(run.task.variants().values()))
    metrics = compute_unit_metrics(task, KerasPredictor(model), run.examples("test"), variant.tta)
    count = reporter.counter("resampling patients", RESAMPLES)
    change = paired_difference(metrics, reference, count) if reference else None
    (headline,) = metrics.headline
    row = {
        "variant": variant.name,
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        "figure": headline,
        **result[headline],
        "difference": change,
        metrics.unit: len(metrics.patients),
        "patients": result["patients"],
        "run": str(run.path),
    }
    return row, metrics
