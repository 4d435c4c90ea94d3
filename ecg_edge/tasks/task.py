"""The interface of a task: which recordings it uses, their examples, the metrics of a model's outputs, the decision.

    recordings → examples → model → outputs per window → summaries → decision per recording (or bout, or beat)

Training, evaluation and prediction work with any task through these methods.
"""

import dataclasses
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from ecg_edge.data.dataset import Dataset
from ecg_edge.data.examples import Examples, WindowSpec, consecutive_windows
from ecg_edge.data.recordings import Recordings
from ecg_edge.records.record import Entry, Record
from ecg_edge.tasks.predictor import Outputs, Predictor
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.temperature import apply_temperature

BATCH = 64  # examples read and predicted at a time
LARGEST_SQRT_WEIGHT = 10.0  # of a class, under the rule "sqrt"


@dataclasses.dataclass(frozen=True)
class TaskOptions:
    """Settings of a task, `task.<name>` on the command line; most have none."""

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """Make the options of plain data.

        Raises:
            InputError: There is no such option, or it has another type or value.
        """
        kinds = typing.get_type_hints(cls)
        for name, value in values.items():
            if name not in kinds:
                raise unknown_name("option", name, kinds)
            choices = typing.get_args(kinds[name])
            if not (value in choices if choices else isinstance(value, kinds[name])):
                raise InputError(f"option {name} is {value!r}: {' or '.join(choices) or 'a text'} is known")
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class UnitMetrics:
    """Metrics over units (recordings, bouts or beats), in the form that the bootstrap resamples.

    Attributes:
        unit: "recordings", "bouts" or "beats".
        patients: of each unit, (n,).
        statistic: positions of units, some repeated → name or ("classes", class, name) → value, NaN where undefined.
        details: plain data besides: counts, the confusion matrix.
        entries: of each unit, where units are recordings.
        predicted: int (n,), the class of each unit, where there is one.
        headline: key of the metric by which models are compared.
    """

    unit: str
    patients: Sequence[str]
    statistic: Callable[[np.ndarray], Mapping[tuple[str, ...], float]]
    details: Mapping[str, Any]
    entries: Sequence[Entry] = ()
    predicted: np.ndarray | None = None
    headline: tuple[str, ...] = ("macro_f1",)


class BeatFeatures(Protocol):
    """Computes features of beats."""

    @property
    def features(self) -> int:
        """The number of features of a beat."""
        ...

    def __call__(self, recordings: Recordings, labels: str, records: np.ndarray, /) -> np.ndarray:
        """(recordings, labels, positions of those recordings that are asked for) → (all beats, features), of no matter
        what value in the other recordings."""
        ...


class Task:
    """The base of all tasks.

    Attributes:
        name: on the command line.
        output: what the model predicts: "classes" (one of them: softmax), "labels" (any of them: sigmoid) or
            "reconstruction".
        loss: a name in ecg_edge.training.losses.LOSSES.
        score_name: of "validation_score".
        annotated: the task needs beats or rhythm annotations.
        published_split: keep a database's published split even where a patient is on both sides.
        reading: what `read` makes of a recording, for the key of the cache.
        labelled: recordings need labels or annotations; False where it learns from signals alone.
        annotations_suffice: a recording without signal beside others that have one is used by its annotations.
        autoregressive_inputs: inputs of the model that hold earlier values, oldest first: name → the output whose
            argmax they are, or None for a value of the example itself, which is the newest.
        embed_beats: computes features of beats, for tasks whose model reads them.
        classes: in the order of the model's outputs.
        decision: plain data chosen on the validation part (thresholds, the temperature of probabilities), or {}.
    """

    name: ClassVar[str]
    output = "classes"
    loss: str | None = "cross_entropy"
    score_name = "macro F1"
    annotated: ClassVar[bool] = False
    published_split: ClassVar[bool] = False
    reading: ClassVar[str] = ""
    labelled: ClassVar[bool] = True
    annotations_suffice: ClassVar[bool] = False
    autoregressive_inputs: Mapping[str, str | None] = types.MappingProxyType({})
    Options: ClassVar[type[TaskOptions]] = TaskOptions
    embed_beats: BeatFeatures | None = None

    def __init__(self, classes: Sequence[str], options: TaskOptions | None = None, decision: Mapping | None = None):
        self.classes = tuple(classes)
        self.options: Any = options or self.Options()
        self.decision = dict(decision or {})

    @classmethod
    def is_usable(cls, entry: Entry, classes: Sequence[str]) -> bool:
        """Whether the task can use a recording. classes: those of its database, or of the run to be evaluated."""
        return True

    @classmethod
    def find_classes(cls, dataset: Dataset, recordings: Recordings, names: Iterable[str]) -> tuple[str, ...]:
        """The classes that can be learnt from the recordings called `names`, in order.

        Raises:
            InputError: there are too few of them.
        """
        raise NotImplementedError

    @classmethod
    def count_contents(cls, recordings: Recordings) -> dict[str, Counter[str]]:
        """Count what the split has to bring into every part.

        Args:
            recordings: those of the data set.

        Returns:
            name of a recording → class → how often it occurs there; here its labels, once each.
        """
        return {entry.name: Counter(entry.labels) for entry in recordings.entries}

    def input_length(self, window: WindowSpec) -> int:
        """How many time steps the model's input has."""
        return window.samples

    def count_channels(self, leads: int) -> int:
        """How many channels the model's input has for recordings of so many leads."""
        return leads

    def wrap_model(self, model: Any, window: WindowSpec) -> Any:
        """The Keras model that is trained, made of the architecture's."""
        return model

    @classmethod
    def read(cls, record: Record) -> Record:
        """The recording as the task needs it, before preprocessing."""
        return record

    def examples(
        self, recordings: Recordings, names: Iterable[str], window: WindowSpec, training: bool = False
    ) -> Examples:
        """The labelled examples of the recordings called `names`; with `training`, those to learn from."""
        raise NotImplementedError

    def inference_examples(self, recordings: Recordings, window: WindowSpec) -> Examples:
        """The examples of recordings without labels: all their windows."""
        names = [entry.name for entry in recordings.entries]
        return consecutive_windows(recordings, names, window, np.zeros(len(names), np.int64))

    def example_weights(self, examples: Examples, rule: str) -> np.ndarray:
        """The weight of each training example in the loss, float32 (n,).

        Args:
            examples: of one epoch.
            rule: as in `class_weights`; used where an example has one class.
        """
        if self.output != "classes":
            return np.ones(len(examples), np.float32)
        return class_weights(examples.targets, self.classes, rule)[examples.targets]

    def predict(
        self, predictor: Predictor, examples: Examples, advance: Callable[[int], None] = lambda examples: None
    ) -> np.ndarray:
        """Predict all examples, batch by batch.

        Args:
            predictor: the model.
            examples: n of them.
            advance: called with the number of examples done since the last call.

        Returns:
            summaries, (n, k).
        """
        summaries = []
        for start in range(0, len(examples), BATCH):
            positions = np.arange(start, min(start + BATCH, len(examples)))
            inputs = examples.batch(positions)
            summaries.append(self.summarise(inputs, predictor(inputs)))
            advance(len(positions))
        return np.concatenate(summaries)

    def predict_views(
        self,
        predictor: Predictor,
        examples: Examples,
        views: int,
        advance: Callable[[int], None] = lambda examples: None,
    ) -> np.ndarray:
        """Predict the mean of the outputs for `views` windows of each example, shifted against each other: (n, k)."""
        return np.mean([self.predict(predictor, view, advance) for view in examples.views(views)], axis=0)

    def variants(self) -> Mapping[str, "Task"]:
        """The same task with other sources for the autoregressive inputs, by description; the main one first."""
        return {"": self}

    def summarise(self, inputs: Mapping[str, np.ndarray], outputs: Outputs) -> np.ndarray:
        """The part of a batch's outputs that metrics and decisions need: (n, k). Here: the probabilities."""
        assert isinstance(outputs, np.ndarray)
        return outputs

    def decide(self, summaries: np.ndarray) -> np.ndarray:
        """The decision per window: int (n,) class, bool (n, classes) labels, or float (n,) anomaly score."""
        return summaries.argmax(-1)

    def validate(self, summaries: np.ndarray, examples: Examples) -> dict[str, float]:
        """Metrics of an epoch, among them "validation_loss", nats without class weights, and "validation_score"."""
        raise NotImplementedError

    def choose_decision(self, summaries: np.ndarray, examples: Examples) -> dict:
        """Choose thresholds on the validation part, as plain data for `decision`; {} where the task has none."""
        return {}

    def pair_with_truth(self, summaries: np.ndarray, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities (n, classes) of the metrics' units before calibration, and whether each class is present,
        bool; empty where the task has no probabilities."""
        return np.zeros((0, 0)), np.zeros((0, 0), bool)

    def collect_scores(self, summaries: np.ndarray, examples: Examples) -> dict[str, np.ndarray]:
        """What is kept of an evaluation for curves, for each unit of the metrics: "probabilities" (n, classes) before
        calibration, "truth" bool (n, classes), and the "names" of recordings where these are the units."""
        probabilities, truth = self.pair_with_truth(summaries, examples)
        if not len(probabilities):
            return {}
        entries = self.compute_metrics(summaries, examples).entries
        names = {"names": np.array([entry.name for entry in entries])} if len(entries) == len(truth) else {}
        return {"probabilities": probabilities.astype(np.float32), "truth": truth, **names}

    def calibrate(self, probabilities: np.ndarray) -> np.ndarray:
        """Apply the temperature to probabilities (n, classes), where training or an export has chosen one."""
        temperature = self.decision.get("temperature")
        if temperature is None or self.output == "reconstruction":
            return probabilities
        return apply_temperature(probabilities, temperature, self.output == "classes")

    @classmethod
    def require_answer(cls, source: str) -> None:
        """Refuse what `source` was trained for where it answers nothing. Raises InputError."""
        if not cls.labelled:
            raise InputError(
                f"{source} was pretrained without labels and answers nothing: train a run from its weights, "
                f"ecg-edge train --init {source}"
            )

    def check_classes(self) -> None:
        """Check that `classes` are those that the task can name. Raises InputError: they are not."""

    def require_decision(self, name: str):
        """The value `name` of the decision.

        Raises:
            InputError: training has not chosen it yet.
        """
        if name not in self.decision:
            raise InputError(
                f"no {name} chosen yet, which training does at its end: finish it with ecg-edge train --resume RUN"
            )
        return self.decision[name]

    def compute_metrics(self, summaries: np.ndarray, examples: Examples) -> UnitMetrics:
        """The metrics of an evaluation."""
        raise NotImplementedError

    def localise(self, predictor: Predictor, examples: Examples) -> dict[int, np.ndarray]:
        """Where a recording is abnormal: position of each recording → (samples, leads), {} where the task has none."""
        return {}

    def reconstruct(self, predictor: Predictor, examples: Examples) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Position of each recording → the input of an autoencoder and its reconstruction, (samples, leads) each and
        NaN where no window is; {} where the task has none."""
        return {}

    def report(self, summaries: np.ndarray, examples: Examples) -> list[dict]:
        """The prediction per recording: "record", "label", "probabilities", "windows", "seconds"."""
        records, means = mean_by_record(summaries, examples.records)
        windows = np.bincount(examples.records)
        return [
            {
                "record": examples.entries[record].name,
                "label": self.label(mean),
                "probabilities": round_probabilities(self.classes, self.calibrate(mean)),
                "windows": int(windows[record]),
                "seconds": examples.seconds(record),
            }
            for record, mean in zip(records, means, strict=True)
        ]

    def label(self, probabilities: np.ndarray) -> str:
        """The label for a recording's mean probabilities (classes,)."""
        return self.classes[int(probabilities.argmax())]


def class_weights(targets: np.ndarray, classes: Sequence[str], rule: str) -> np.ndarray:
    """The weight of each class in the loss.

    Args:
        targets: int (n,), of the training examples.
        classes: names.
        rule: "balanced": n / (classes · n_class); "sqrt": its square root, at most 10; "none" and "sampled": ones.

    Returns:
        float32 (classes,).

    Raises:
        InputError: a class has no training example.
    """
    counts = np.bincount(targets, minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if count == 0:
            raise InputError(f"class {name} has no example in the training part: add some or drop the class")
    balanced = len(targets) / (len(classes) * counts)
    rules = {
        "balanced": balanced,
        "sqrt": np.minimum(np.sqrt(balanced), LARGEST_SQRT_WEIGHT),
        **dict.fromkeys(("none", "sampled"), np.ones(len(counts))),
    }
    return rules[rule].astype(np.float32)


def mean_by_record(values: np.ndarray, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean over each recording's windows.

    Args:
        values: (n, k), of windows.
        records: int (n,), the recording of each window.

    Returns:
        the recordings (m,) in ascending order, and the means (m, k).
    """
    found, position = np.unique(records, return_inverse=True)
    sums = np.zeros((len(found), values.shape[1]))
    np.add.at(sums, position, values)
    return found, sums / np.bincount(position)[:, None]


def round_probabilities(classes: Sequence[str], probabilities: np.ndarray) -> dict[str, float]:
    """Class → probability, six decimals."""
    return {name: round(float(p), 6) for name, p in zip(classes, probabilities, strict=True)}
