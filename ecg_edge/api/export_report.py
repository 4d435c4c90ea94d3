"""The report of an export, and its copy in the run's export folder."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecg_edge.run import Run
from ecg_edge.run_folder import find_run_folder
from firmware_bench.runtime.files import write_json
from firmware_bench.runtime.metadata import ModelMetadata

if TYPE_CHECKING:
    from export.quantise.layer_error import LayerError
    from export.verify.acceptance import AcceptanceCheck


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Agreement of one implementation of the model with Keras in float.

    Attributes:
        computed_by: "Keras, float", "LiteRT", …
        windows: The number of check windows it computed.
        sqnr_db: Signal-to-quantisation-noise ratio of the worst output, dB; None for Keras itself.
        agreement: Share of equal predictions, or Spearman's rank correlation of scores; None for part of the windows.
        score: The task's score on the validation windows; None for part of the windows.
    """

    computed_by: str
    windows: int
    sqnr_db: float | None
    agreement: float | None
    score: float | None


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """The outcome of an export.

    Attributes:
        path: The file; None where an acceptance check failed and nothing was written.
        size: Size of the file, bytes.
        checks: The acceptance checks (export.verify.acceptance.AcceptanceCheck).
        metadata: The metadata in the file.
        agreements: Agreement of each implementation of the model with Keras in float.
        agreement_name: "same decision" or "rank correlation".
        score_name: Name of the task's score, such as "macro F1".
        layers: Per layer its quantisation error (export.quantise.layer_error), worst first; empty where not computed.
    """

    path: Path | None
    size: int
    checks: "Sequence[AcceptanceCheck]"
    metadata: ModelMetadata
    agreements: tuple[Agreement, ...]
    agreement_name: str
    score_name: str
    layers: "Sequence[LayerError]"


def keep_report(report: ExportReport, run: Run) -> None:
    """Keep what is known of an export beside its file, where that lies in the run's export folder."""
    path = report.path
    if path is None or find_run_folder(path) != run.path.resolve():
        return
    agreements = [dataclasses.asdict(each) for each in report.agreements]
    checks = [dataclasses.asdict(each) for each in report.checks]
    layers = [dataclasses.asdict(each) for each in report.layers]
    kept = {"file": path.name, "size": report.size, "score_name": report.score_name, "checks": checks}
    kept |= {"agreement_name": report.agreement_name, "agreements": agreements, "layers": layers}
    write_json(path.with_suffix(".json"), _finite(kept))


def _finite(value: Any) -> Any:
    """Plain data in which what is not finite is None: NaN and infinity are no JSON."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
