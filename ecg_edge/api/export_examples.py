"""The windows that calibrate, fine-tune and check an export."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.embedding import FileEmbedder
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from ecg_edge.tasks.task import Task
from firmware_bench.runtime.sampling import evenly_spaced

if TYPE_CHECKING:
    from export.convert.conversion_job import ExportWindows

CALIBRATION_WINDOWS = 200  # at most, and at most half of the training windows: the others check the result
CHECK_WINDOWS = 300
QAT_WINDOWS = 2000  # at most
QAT_BYTES = 400_000_000  # at most, of these windows


class CheckWindows:
    """The windows that check an export, as the run's task sees them.

    Args:
        task: The run's task.
        inputs: The windows, by input name.
        targets: Their true classes.
        validation: The examples that are the first of them, for which the task can compute its score.

    Attributes:
        whole: Of a pair of files, the outputs of the two models in Keras; None of one file.
    """

    def __init__(self, task: Task, inputs: Mapping[str, np.ndarray], targets: np.ndarray, validation: Examples):
        self.task, self.inputs, self.targets, self.validation = task, inputs, targets, validation
        self.whole: Mapping[str, np.ndarray] | None = None

    def summarise(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return what the task keeps of the outputs of all check windows."""
        values = outputs["probabilities"] if set(outputs) == {"probabilities"} else dict(outputs)
        return self.task.summarise(self.inputs, values)

    def compare_decisions(self, expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]):
        """Return the acceptance checks of the decisions, and their figures."""
        from export.verify.prediction_agreement import check_predictions

        before, after = (self.task.decide(self.summarise(outputs)) for outputs in (expected, found))
        checks, figures = check_predictions(before, after, self.targets, self.task.classes)
        if self.whole is None:
            return checks, figures
        before = self.task.decide(self.summarise(self.whole))
        pair, pair_figures = check_predictions(before, after, self.targets, self.task.classes)
        named = [dataclasses.replace(check, name=f"both files: {check.name}") for check in pair]
        return [*checks, *named], {**figures, "both_files": pair_figures}

    def score(self, outputs: Mapping[str, np.ndarray]) -> float:
        """Return the task's score on the validation windows."""
        summaries = self.summarise(outputs)[: len(self.validation)]
        return self.task.validate(summaries, self.validation)["validation_score"]


@dataclasses.dataclass(frozen=True)
class ExportExamples:
    """The examples of an export; none is in two parts.

    Attributes:
        calibration: Those that calibrate, of the training part.
        validation, rest: Those that check the result: of the validation part, and others of the training part.
        training: Those to fine-tune on, as often as they are drawn anew; empty without fine-tuning.
    """

    calibration: Any  # the examples of a task, which differ in their fields
    validation: Any
    rest: Any
    training: Sequence[Any] = ()

    def check_inputs(self) -> dict[str, np.ndarray]:
        """The inputs of the examples that check the result, (n, …) by name."""
        return _concatenate([self.validation, self.rest])

    def replace_features(self, embedder: FileEmbedder, labels: str) -> "ExportExamples":
        """The same examples, sequences of beats, with the features that another beat classifier computes."""
        wanted = np.zeros(len(self.calibration.recordings.beat_times), bool)
        parts = (self.calibration, self.validation, self.rest, *self.training)
        for part in parts:
            beats = part.window_beats(np.arange(len(part)))
            wanted[beats[beats >= 0]] = True
        features = embedder.embed(self.calibration.recordings, labels, wanted)
        calibration, validation, rest, *training = (dataclasses.replace(part, features=features) for part in parts)
        return ExportExamples(calibration, validation, rest, training)


def select_examples(run: Run, qat: bool, reporter: Reporter | None = None) -> ExportExamples:
    """Select the examples that calibrate, fine-tune and check an export.

    Calibration and fine-tuning take windows of the training part; the check takes those of the validation part and,
    where that is short, the rest of training. None is used twice, and none is of the test part.

    Args:
        run: The trained run.
        qat: Whether windows for fine-tuning are wanted.
        reporter: Receives how many there are.
    """
    training, validation = run.examples("train"), run.examples("validation")
    if run.task.embed_beats:  # beats without waveforms tell nothing of the classifier's integers
        training, validation = (_take_with_signal(part) for part in (training, validation))
    validation = validation.subsample(CHECK_WINDOWS)
    count = min(CALIBRATION_WINDOWS, (len(training) + 1) // 2)
    chosen, others = _split_evenly(np.arange(len(training)), count)
    # Half of what is left at most, so that fine-tuning has something to learn from.
    checking, others = _split_evenly(others, min(CHECK_WINDOWS - len(validation), len(others) // 2))
    calibration, rest = training.take(chosen), training.take(checking)
    recordings = len(set(calibration.records.tolist()))
    (reporter or Reporter()).message(
        f"{count} training windows of {recordings} recordings calibrate; {len(validation)} validation and {len(rest)} "
        "other training windows check the result"
    )
    drawn = []
    if qat:
        size = sum(x.nbytes for x in calibration.batch(slice(0, 1)).values())
        most = min(QAT_WINDOWS, QAT_BYTES // size)
        learning, _ = _split_evenly(others, most)
        draws = most // len(learning) if training.random and len(learning) else 1
        drawn = [training.take(learning).draw_epoch(run.settings.seed, n) for n in range(draws)]
    return ExportExamples(calibration, validation, rest, drawn)


def make_windows(task: Task, examples: ExportExamples) -> "tuple[ExportWindows, CheckWindows]":
    """Make the model's inputs of the examples of an export."""
    from export.convert.conversion_job import ExportWindows

    check, validation = examples.check_inputs(), examples.validation
    targets = np.concatenate([part.targets for part in (validation, examples.rest)])
    windows = ExportWindows(
        examples.calibration.batch(slice(None)), check, _concatenate(examples.training) if examples.training else {}
    )
    return windows, CheckWindows(task, check, targets, validation)


def _concatenate(parts: Sequence[Any]) -> dict[str, np.ndarray]:
    batches = [part.batch(slice(None)) for part in parts if len(part)] or [parts[0].batch(slice(None))]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def _take_with_signal(examples: Examples) -> Examples:
    return examples.take(np.flatnonzero(examples.recordings.has_signal()[examples.records]))


def _split_evenly(positions: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` of the positions, evenly spread, and the others."""
    count = max(0, min(count, len(positions)))
    chosen = positions[evenly_spaced(len(positions), count)]
    return chosen, np.setdiff1d(positions, chosen)
