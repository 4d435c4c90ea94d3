"""An acceptance check: a condition that an exported file has to meet, with what was measured."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

Outputs = Mapping[str, np.ndarray]  # output name → (n, …) float32


@dataclasses.dataclass(frozen=True)
class AcceptanceCheck:
    """One condition on an exported file.

    Attributes:
        name: What is measured, and on how many windows.
        measured: The result, as printed.
        required: The threshold or budget, as printed.
        passed: None where the check could not be made on this machine; `measured` says why.
        remedy: What to try where it fails.
    """

    name: str
    measured: str
    required: str
    passed: bool | None
    remedy: str

    @property
    def failed(self) -> bool:
        """Whether the check was made and the file missed it."""
        return self.passed is False


def all_passed(checks: Iterable[AcceptanceCheck]) -> bool:
    """Whether no check failed. Checks that could not be made do not count."""
    return not any(check.failed for check in checks)


def list_not_made(checks: Iterable[AcceptanceCheck]) -> list[str]:
    """The checks that could not be made and why, for the file's metadata."""
    return [f"{check.name}: {check.measured}" for check in checks if check.passed is None]


# (outputs of the float model, outputs of the file) → checks of the predictions, and their figures for the metadata
ComparePredictions = Callable[[Outputs, Outputs], tuple[Sequence[AcceptanceCheck], dict]]


@dataclasses.dataclass(frozen=True)
class Parity:
    """Comparison of a converted file with the float model on the check windows.

    Attributes:
        checks: The acceptance checks.
        figures: The measured values, for the file's metadata.
        answers: Runtime, such as "LiteRT" → its outputs.
    """

    checks: Sequence[AcceptanceCheck]
    figures: dict
    answers: Mapping[str, Outputs]
