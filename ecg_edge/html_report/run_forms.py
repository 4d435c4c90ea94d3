"""The forms of the files in a run's folder that its report shows: values of other types are refused on reading."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ecg_edge.api.run_evaluation import MetricEstimate

MAX_CLASSES = 200


@dataclasses.dataclass(frozen=True)
class PartCounts:
    """What a part of the split holds: `classes` are labels with how many recordings carry them."""

    recordings: int
    patients: int | None = None
    classes: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """What config.json states: the settings and what they were resolved to."""

    arch: str
    preset: str
    data: str
    seed: int
    classes: tuple[str, ...]
    leads: tuple[str, ...]
    task: dict[str, Any]
    signal: dict[str, Any]
    training: dict[str, Any]
    model: dict[str, Any]
    augmentation: dict[str, Any] = dataclasses.field(default_factory=dict)
    parts: dict[str, PartCounts] = dataclasses.field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    keras_backend: str | None = None
    machine: str | None = None
    git_commit: str | None = None
    started: str | None = None
    fingerprint: str | None = None


@dataclasses.dataclass(frozen=True)
class CalibrationFigures:
    """How well probabilities hold."""

    expected_calibration_error: float
    brier_score: float


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The temperature, and how well probabilities hold before and after it."""

    before: CalibrationFigures
    after: CalibrationFigures
    temperature: float | None = None


@dataclasses.dataclass(frozen=True)
class EvaluationFile:
    """An evaluation-*.json. `metrics` and `class_metrics` are read from the values that have no fixed names."""

    model: str
    data: str
    unit: str
    windows: int
    patients: int
    views: int = 1
    score_name: str = "score"
    confusion_matrix: tuple[tuple[int, ...], ...] | None = None
    calibration: Calibration | None = None
    threshold: float | None = None
    scores: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    metrics: dict[str, MetricEstimate] = dataclasses.field(default_factory=dict)
    class_metrics: dict[str, dict[str, MetricEstimate]] = dataclasses.field(default_factory=dict)
    units: int = 0

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Gather the metrics, whose names are not known beforehand."""
        found = {key: value for key, value in values.items() if key not in ("metrics", "class_metrics", "units")}
        classes = values.get("classes", {})
        if not isinstance(classes, dict) or len(classes) > MAX_CLASSES:
            raise ValueError(f"classes are no object of at most {MAX_CLASSES}")
        found["metrics"] = select_estimates(values)
        found["class_metrics"] = {name: select_estimates(each) for name, each in classes.items()}
        found["units"] = values.get(str(values.get("unit")), 0)
        return found

    def __post_init__(self):
        rows = self.confusion_matrix
        if rows is not None and [len(row) for row in rows] != [len(self.classes)] * len(self.classes):
            raise ValueError("the confusion matrix has another size than there are classes")
        if rows is not None and min((min(row, default=0) for row in rows), default=0) < 0:
            raise ValueError("the confusion matrix has negative counts")


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """An evaluation, and the scores of every unit by name where they are kept; see Task.collect_scores."""

    name: str
    figures: EvaluationFile
    scores: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        """What to call it: the model, and the data unless they are the run's test part."""
        data = "" if self.figures.data.endswith(", test part") else f" on {self.figures.data}"
        views = f", {self.figures.views} windows each" if self.figures.views > 1 else ""
        return ("Keras, float" if self.figures.model == "keras" else self.figures.model) + data + views


@dataclasses.dataclass(frozen=True)
class LayerFigures:
    """The quantisation error of an operator."""

    operator: str
    tensor: str
    low: float | None
    high: float | None
    sqnr_db: float | None
    sqnr_alone_db: float | None
    clipped: float | None = None


@dataclasses.dataclass(frozen=True)
class CheckFigures:
    """An acceptance check."""

    name: str
    measured: str
    required: str
    passed: bool | None = None


@dataclasses.dataclass(frozen=True)
class ExportFile:
    """The kept report of an export."""

    file: str
    size: int
    checks: tuple[CheckFigures, ...] = ()
    layers: tuple[LayerFigures, ...] = ()


@dataclasses.dataclass(frozen=True)
class BoardFigures:
    """How a file fits on a board."""

    core: str
    flash: int
    largest_ram_block: int
    verdict: str
    flash_share: float | None = None
    ram_share: float | None = None


@dataclasses.dataclass(frozen=True)
class BoardPlan:
    """A report of ecg-edge mcu."""

    file: str
    arena: dict[str, Any]
    flash: dict[str, Any]
    boards: dict[str, BoardFigures]
    c99: dict[str, Any] = dataclasses.field(default_factory=dict)


def select_estimates(values: Any) -> dict[str, Any]:
    """Those of an object's values that are estimates: {"value", "low", "high"}."""
    if not isinstance(values, dict):
        raise ValueError("a class has no figures")
    return {key: each for key, each in values.items() if isinstance(each, dict) and "value" in each}
