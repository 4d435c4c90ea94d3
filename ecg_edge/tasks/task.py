"""What a task has to say: which recordings it can use, their examples, how outputs are judged, how they decide.

    recordings → examples → model → outputs per window → summaries → decision per recording (or bout, or beat)

One training loop, one evaluation and one `predict` carry every task out.
"""

import dataclasses
import types
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from ecg_edge.data.examples import Examples, WindowSpec, consecutive_windows
from ecg_edge.data.recordings import Recordings
from ecg_edge.records.record import Entry, Record
from ecg_edge.tasks.predictor import Predictor
from firmware_bench.runtime.errors import InputError

BATCH = 64  # examples read and predicted at a time


@dataclasses.dataclass(frozen=True)
class Options:
    """Settings of a task, `task.<name>` on the command line; most have none."""


@dataclasses.dataclass(frozen=True)
class UnitMetrics:
    """What evaluation resamples: figures over `unit`s (recordings, bouts, beats), each of a patient.

    patients: (n,) of each unit. statistic: positions of units (some repeated) → name or (group, class, name) →
    figure, NaN where undefined. predicted: int (n,) the class of each unit, where there is one. details: plain data
    that is no figure (counts, the confusion matrix). headline: the figure by which models are compared.
    """

    unit: str
    patients: Sequence[str]
    statistic: Callable[[np.ndarray], Mapping[tuple[str, ...], float]]
    details: Mapping
    entries: Sequence[Entry] = ()
    predicted: np.ndarray | None = None
    headline: tuple[str, ...] = ("macro_f1",)


class Task:
    """The base of all tasks: `classes` in the order of the model's outputs.

    output: what the model says, "classes" (one of them: softmax), "labels" (any of them: sigmoid) or "reconstruction".
    annotated: whether it needs beats or rhythm marks. published_split: whether a database's published split is kept
    even where a patient is on both sides. reading: what `read` makes of a recording, for the key of the cache.
    decision: plain data chosen on the validation part, or {}. autoregressive_inputs: inputs of the model that hold
    earlier values, oldest first: name → the output whose argmax they are, or None for a value of the example itself,
    which is the newest. embed_beats: (recordings, labels) → features of all beats, for tasks that read them.
    """

    name: str
    output = "classes"
    score_name = "macro F1"
    annotated = False
    published_split = False
    reading = ""
    autoregressive_inputs: Mapping[str, str | None] = types.MappingProxyType({})
    Options = Options
    embed_beats: Callable | None = None

    def __init__(self, classes: Sequence[str], options: Options | None = None, decision: Mapping | None = None):
        self.classes = tuple(classes)
        self.options = options or self.Options()
        self.decision = dict(decision or {})

    @classmethod
    def is_usable(cls, entry: Entry, classes: Sequence[str]) -> bool:
        """Whether a recording can serve; `classes`: those of its database, or of the run that is to be evaluated."""
        return True

    @classmethod
    def find_classes(cls, dataset, recordings: Recordings, names: Iterable[str]) -> tuple[str, ...]:
        """The classes that can be learnt from the recordings called `names`, in order."""
        raise NotImplementedError

    def input_length(self, window: WindowSpec) -> int:
        """How many time steps the model is built for."""
        return window.samples

    @classmethod
    def read(cls, record: Record) -> Record:
        """A recording as the task wants it, before it is prepared."""
        return record

    def examples(
        self, recordings: Recordings, names: Iterable[str], window: WindowSpec, training: bool = False
    ) -> Examples:
        """The examples of the recordings called `names`; `training`: those to learn from."""
        raise NotImplementedError

    def weights(self, examples: Examples, rule: str) -> np.ndarray:
        """The weight of each training example in the loss, float32 (n,)."""
        return np.ones(len(examples), np.float32)

    def predict(
        self, predictor: Predictor, examples: Examples, advance: Callable[[int], None] = lambda examples: None
    ) -> np.ndarray:
        """What is kept of the outputs for each of `examples`: (n, k). predictor: inputs by name, (n, …) float32 →
        outputs (n, …), by name where there are several. `advance(n)` is called as they are done."""
        summaries = []
        for start in range(0, len(examples), BATCH):
            positions = np.arange(start, min(start + BATCH, len(examples)))
            inputs = examples.batch(positions)
            summaries.append(self.summarise(inputs, predictor(inputs)))
            advance(len(positions))
        return np.concatenate(summaries)

    def variants(self) -> Mapping[str, "Task"]:
        """The ways in which an evaluation lets the model work, by name, the one that counts first."""
        return {"": self}

    def summarise(self, inputs: Mapping[str, np.ndarray], outputs) -> np.ndarray:
        """What is kept of a batch's outputs: (n, k)."""
        return outputs

    def decide(self, summaries: np.ndarray) -> np.ndarray:
        """What is decided of each window: int (n,) its class, bool (n, classes) its labels, or float (n,) its score."""
        return summaries.argmax(-1)

    def validate(self, summaries: np.ndarray, examples: Examples) -> dict[str, float]:
        """Figures of an epoch, among them "validation_loss" and "validation_score"."""
        raise NotImplementedError

    def choose_decision(self, summaries: np.ndarray, examples: Examples) -> dict:
        """Thresholds and the like from the validation part, as plain data: the later `decision`."""
        return {}

    def require_decision(self, name: str):
        """What `choose` found, by name. Raises InputError where training has not got that far."""
        if name not in self.decision:
            raise InputError(
                f"no {name} chosen yet, which training does at its end: finish it with ecg-edge train --resume RUN"
            )
        return self.decision[name]

    def compute_metrics(self, summaries: np.ndarray, examples: Examples) -> UnitMetrics:
        """The figures of an evaluation."""
        raise NotImplementedError

    def inference_examples(self, recordings: Recordings, window: WindowSpec) -> Examples:
        """What a model is asked about recordings of which nothing is known: all their windows."""
        names = [entry.name for entry in recordings.entries]
        return consecutive_windows(recordings, names, window, np.zeros(len(names), np.int64))

    def report(self, summaries: np.ndarray, examples: Examples) -> list[dict]:
        """The answers, for people: per recording its "record", "label", "probabilities" and what led to them."""
        found, decided = mean_by_record(summaries, examples.records)
        windows = np.bincount(examples.records)
        return [
            {
                "record": examples.entries[record].name,
                "label": self.label(mean),
                "probabilities": {name: round(float(p), 6) for name, p in zip(self.classes, mean, strict=True)},
                "windows": int(windows[record]),
                "seconds": round(float(examples.recordings.lengths[record] / examples.window.fs), 3),
            }
            for record, mean in zip(found, decided, strict=True)
        ]

    def localise(self, predictor: Predictor, examples: Examples) -> dict[int, np.ndarray]:
        """Where a recording is abnormal: position of each recording → (samples, leads); {} where a task cannot say."""
        return {}

    def label(self, probabilities: np.ndarray) -> str:
        """The decision from a recording's mean probabilities (classes,)."""
        return self.classes[int(probabilities.argmax())]


def class_weights(targets: np.ndarray, classes: Sequence[str], rule: str) -> np.ndarray:
    """Weight of each class, float32 (classes,), from the targets (n,) of the training examples.

    "balanced": n / (classes · n_class), "sqrt": its square root, at most 10, "none": ones. Raises InputError for a
    class without any training example.
    """
    counts = np.bincount(targets, minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if count == 0:
            raise InputError(f"class {name} has no example in the training part: add some or drop the class")
    balanced = len(targets) / (len(classes) * counts)
    weights = {"balanced": balanced, "sqrt": np.minimum(np.sqrt(balanced), 10.0), "none": np.ones(len(counts))}[rule]
    return weights.astype(np.float32)


def mean_by_record(values: np.ndarray, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows' values (n, k) and the recording of each (n,) → the recordings (m,) in ascending order and the mean over
    their windows (m, k)."""
    found, position = np.unique(records, return_inverse=True)
    sums = np.zeros((len(found), values.shape[1]))
    np.add.at(sums, position, values)
    return found, sums / np.bincount(position)[:, None]
