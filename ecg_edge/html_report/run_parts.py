"""What a run's folder holds, read for its report: a part that is not there is None, a damaged one is named in a line.

The folder may be somebody else's: sizes, types and ranges are checked before anything is used.
"""

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ecg_edge.html_report.run_forms import BoardPlan, Evaluation, EvaluationFile, ExportFile, RunFacts
from firmware_bench.rpi.device_report import read_report
from firmware_bench.runtime.errors import InputError, make_printable
from firmware_bench.runtime.npz_file import read_npz
from firmware_bench.runtime.typed_json import decode_json

MAX_JSON_BYTES = 16 << 20
MAX_FILES = 50  # of a kind that are shown
MAX_UNITS = 10**7
ROUNDED = {"probabilities": np.float32, "truth": np.bool_, "names": "U", "score": np.float32, "abnormal": np.bool_,
           "divergence": np.float32, "latent_mean": np.float32}  # fmt: skip

Read = TypeVar("Read")


@dataclasses.dataclass
class RunParts:
    """What the folder of a run holds.

    Attributes:
        path: The folder.
        facts: config.json; None: not there, or damaged.
        split: Part → number of its recordings.
        history: Column → (epochs,).
        evaluations: In order of their names, the Keras model's first.
        sizes: Exported file → bytes.
        exports: The kept reports of exports.
        benches: The reports of ecg-edge bench by name.
        plans: The reports of ecg-edge mcu.
        problems: What is damaged, a line each.
    """

    path: Path
    facts: RunFacts | None = None
    split: dict[str, int] = dataclasses.field(default_factory=dict)
    history: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    evaluations: list[Evaluation] = dataclasses.field(default_factory=list)
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    exports: list[ExportFile] = dataclasses.field(default_factory=list)
    benches: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    plans: list[BoardPlan] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)


def read_run(path: Path) -> RunParts:
    """Read what the folder of a run holds.

    Args:
        path: The folder.

    Returns:
        Its parts.

    Raises:
        InputError: It is no folder, or nothing in it belongs to a run.
    """
    if not path.is_dir():
        raise InputError(f"{path} is not the folder of a run: there is no such folder")
    parts = RunParts(path)
    guard = _Guard(parts.problems)
    parts.facts = guard(path / "config.json", lambda file: decode_json(RunFacts, _read_json(file)))
    parts.split = guard(path / "split.json", _read_split) or {}
    parts.history = guard(path / "history.csv", _read_history) or {}
    for file in _list_files(path, "evaluation-*.json"):
        if figures := guard(file, lambda file: decode_json(EvaluationFile, _read_json(file))):
            scores = guard(file.with_suffix(".npz"), lambda file, figures=figures: _read_scores(file, figures))
            parts.evaluations.append(Evaluation(file.stem.removeprefix("evaluation-"), figures, scores or {}))
    parts.evaluations.sort(key=lambda each: (each.figures.model != "keras", each.name))
    parts.sizes = {file.name: file.stat().st_size for file in _list_files(path / "export", "*.tflite")}
    parts.exports = guard.all(path / "export", "*.json", lambda file: decode_json(ExportFile, _read_json(file)))
    parts.plans = guard.all(path, "mcu-*.json", lambda file: decode_json(BoardPlan, _read_json(file)))
    for file in _list_files(path, "bench-*.json"):
        if report := guard(file, read_report):
            parts.benches[file.name] = report
    known = (parts.facts, parts.split, parts.history, parts.evaluations, parts.sizes, parts.problems)
    if not any(known):
        raise InputError(f"{path} is not the folder of a run: it holds no config.json and no evaluation")
    return parts


class _Guard:
    """Reads files; what cannot be read becomes a line in `problems`."""

    def __init__(self, problems: list[str]):
        self._problems = problems

    def __call__(self, file: Path, read: Callable[[Path], Read]) -> Read | None:
        if not file.exists():
            return None
        try:
            return read(file)
        except (OSError, ValueError, RecursionError, OverflowError, MemoryError, InputError) as error:
            reason = make_printable(str(error) or type(error).__name__)[:200]
            self._problems.append(f"{file.name} is damaged and left out: {reason}")
            return None

    def all(self, folder: Path, pattern: str, read: Callable[[Path], Read]) -> list[Read]:
        """Read the files of a folder that fit a pattern."""
        return [found for file in _list_files(folder, pattern) if (found := self(file, read)) is not None]


def _list_files(folder: Path, pattern: str) -> list[Path]:
    return sorted(file for file in folder.glob(pattern) if file.is_file())[:MAX_FILES]


def _read_json(file: Path) -> Any:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"it has more than {MAX_JSON_BYTES:,} bytes")
    return json.loads(file.read_text(encoding="utf-8"))


def _read_split(file: Path) -> dict[str, int]:
    return {part: len(names) for part, names in decode_json(dict[str, tuple[str, ...]], _read_json(file), "it").items()}


def _read_history(file: Path) -> dict[str, np.ndarray]:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"it has more than {MAX_JSON_BYTES:,} bytes")
    with open(file, newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        rows = [*reader]
    if "epoch" not in (reader.fieldnames or ()):
        raise ValueError("it has no column epoch")
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("its rows have different lengths")
    if not rows:
        return {}
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def _read_scores(file: Path, figures: EvaluationFile) -> dict[str, np.ndarray]:
    shapes = figures.scores
    if not shapes:
        return {}
    if not shapes.keys() <= ROUNDED.keys() or len({shape[:1] for shape in shapes.values()}) > 1:
        raise ValueError("the evaluation states other scores than there are")
    if not all(0 <= size <= MAX_UNITS for shape in shapes.values() for size in shape):
        raise ValueError("the evaluation states a size that no evaluation has")
    found = read_npz(file, {name: (shape, ROUNDED[name]) for name, shape in shapes.items()})
    for name, values in found.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(f"{name} has values that are no numbers")
    if "probabilities" in found:
        probabilities, truth = found["probabilities"], found.get("truth")
        wanted = (len(probabilities), len(figures.classes))
        if truth is None or not wanted == probabilities.shape == truth.shape:
            raise ValueError("the scores are of other classes than the evaluation")
        if not ((probabilities >= -1e-3) & (probabilities <= 1 + 1e-3)).all():
            raise ValueError("probabilities are from 0 to 1")
    return found
