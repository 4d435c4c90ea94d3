"""What an exported model states about itself. metadata_format.py reads and writes it."""
# ruff: noqa: UP045 - Python 3.9 cannot evaluate "X | None", which decoding does

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.typed_json import default_of, shorten

ANY_UNIT = "any"  # of a model that was trained on recordings of several units and scales each lead itself
MAX_WINDOW = 4_000_000  # values: an hour of two leads at 500 Hz
MAX_LABELS, MAX_LEADS, MAX_NAME, MAX_STEPS = 1000, 64, 100, 64
TEMPERATURES = (0.5, 10.0)  # from, to
TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")  # of inputs and outputs, as numpy names them


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: Its name in the model's signature.
        shape: Its shape, with the batch axis.
        dtype: Its type, as numpy names it.
        scale: The scale of its quantisation, 0 where it is not quantised.
        zero_point: The zero point of its quantisation.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int

    def __post_init__(self):
        _check(min(self.shape, default=1) > 0, "shape", "positive sizes", self.shape)
        _check(self.dtype in TYPES, "dtype", f"one of {', '.join(TYPES)}", self.dtype)
        _check(self.scale >= 0, "scale", "0 or more", self.scale)
        _check(-(2**15) <= self.zero_point < 2**15, "zero_point", "an integer of 16 bits", self.zero_point)


@dataclass(frozen=True)
class TaskMetadata:
    """The task that the model was trained for.

    Attributes:
        name: Its name in ecg_edge.tasks.
        options: Its options, by name. In the file they stand beside the name.
    """

    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def from_json(value: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the JSON object that the file has."""
        return {"name": value.get("name", ""), "options": {key: value[key] for key in value if key != "name"}}


@dataclass(frozen=True)
class WindowMetadata:
    """The windows that a recording is cut into.

    Attributes:
        samples: Length of a window, samples.
        stride: From one window's start to the next one's, samples.
        shortest: Length of the shortest recording that the model was trained on, samples; 0: not stated.
    """

    samples: int = 0
    stride: int = 0
    shortest: int = 0

    def __post_init__(self):
        _check(0 <= self.samples <= MAX_WINDOW, "samples", f"from 0 to {MAX_WINDOW:,}", self.samples)
        _check(self.shortest >= 0, "shortest", "0 or more", self.shortest)
        _check(self.stride > 0 or self.samples == self.stride == 0, "stride", "1 or more", self.stride)


@dataclass(frozen=True)
class DataMetadata:
    """The recordings that the model was trained on.

    Attributes:
        database: Name of the database or folder.
        fingerprint: Digest of its entries.
    """

    database: str
    fingerprint: str


@dataclass(frozen=True)
class QuantisationMetadata:
    """How the model was quantised.

    Attributes:
        method: "ptq" (post-training), "qat" (fake quantisation during fine-tuning) or "weights" (weights alone).
        target: The export target, "mcu" or "rpi".
        percentile: Percentile of the observed values that the ranges hold.
        calibration_windows: Windows that the ranges were observed on.
        training_windows: Windows of the fine-tuning.
        epochs: Epochs of the fine-tuning.
        kept_epoch: The epoch whose weights were kept.
        decibels_by_epoch: SQNR after each epoch, dB.
        activations: Type of the activations, where it is one for the whole model.
        weights: Type of the weights, where it is one for the whole model.
        parts: Kind of operator → how it is computed.
        reason: Why these types.
    """

    method: str = ""
    target: str = ""
    percentile: Optional[float] = None
    calibration_windows: Optional[int] = None
    training_windows: Optional[int] = None
    epochs: Optional[int] = None
    kept_epoch: Optional[int] = None
    decibels_by_epoch: tuple[float, ...] = ()
    activations: str = ""
    weights: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class StreamingMetadata:
    """A file that takes a recording block by block. Lengths are in samples.

    Attributes:
        step: Length of a block.
        delay: Blocks by which every output is late.
        window: Length of the window of the model for whole windows.
        states: Inputs whose next value is the output "next_" + name. They are zero at the start of a recording.
    """

    step: int
    delay: int
    window: int
    states: tuple[str, ...]

    def __post_init__(self):
        _check(self.step > 0, "step", "1 or more", self.step)
        _check(self.delay >= 0, "delay", "0 or more", self.delay)
        _check(self.window >= self.step, "window", "a step or more", self.window)


@dataclass(frozen=True)
class HistoryMetadata:
    """A file that takes one example after the other and keeps what it needs of those before.

    Attributes:
        states: As in StreamingMetadata.
    """

    states: tuple[str, ...]


@dataclass(frozen=True)
class EmbedderMetadata:
    """The file of the beat classifier whose features the model takes, which lies beside the model's own file.

    Attributes:
        file: Name of the file, without a folder.
        digest: Its digest, as its own metadata state it.
    """

    file: str
    digest: str

    def __post_init__(self):
        plain = self.file.strip(". ") and not set(self.file) & set("/\\:\0") and len(self.file) <= MAX_NAME
        _check(plain, "file", "the name of a file without a folder", self.file)
        hexadecimal = len(self.digest) == 64 and not set(self.digest) - set("0123456789abcdef")
        _check(hexadecimal, "digest", "64 hexadecimal digits", self.digest)


@dataclass(frozen=True)
class MutationScore:
    """Which damaged tables of constants (weights, biases, their scales) the reference vectors notice.

    Attributes:
        noticed: How many.
        tables: How many were damaged whose damage can change an answer on ECG.
        silent: Names of those that are not noticed.
    """

    noticed: int
    tables: int
    silent: tuple[str, ...] = ()

    def __post_init__(self):
        _check(0 <= self.noticed <= self.tables <= 1_000_000, "noticed", "at most tables", self.noticed)


REFERENCE_FORMS = ("signal", "rows")


@dataclass(frozen=True)
class ReferenceMetadata:
    """The reference vector: firmware_bench.runtime.reference_vector describes the inputs.

    Attributes:
        seed: Seed of the generator of the inputs.
        vectors: How many inputs there are.
        values: How many values of each output are compared, 2 or more; None: all of them.
        tolerance: By how much outputs may differ, in the outputs' own unit; None: integers not at all.
        outputs: Kind of kernels ("optimised", "reference") → per vector the outputs' bytes in order, as hex, or
            "sha256:" and their digest.
        mutation: Which damaged tables the vectors notice; None where that was not analysed.
        form: "signal": all inputs are ECG-like; "rows": every second one is rows of random numbers, as features are.
    """

    seed: int
    vectors: int
    values: Optional[int] = None
    tolerance: Optional[float] = None
    outputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mutation: Optional[MutationScore] = None
    form: str = "signal"

    def __post_init__(self):
        _check(0 <= self.vectors <= 1000, "vectors", "from 0 to 1000", self.vectors)
        _check(self.form in REFERENCE_FORMS, "form", " or ".join(REFERENCE_FORMS), self.form)
        _check(self.values is None or self.values >= 2, "values", "2 or more", self.values)
        _check(self.tolerance is None or self.tolerance >= 0, "tolerance", "0 or more", self.tolerance)


@dataclass(frozen=True)
class ModelMetadata:
    """What an exported model states about itself. A field that the file does not state has its default.

    Attributes:
        architecture: Name of the architecture.
        preset: Name of its preset.
        task: The task.
        decision: What turns outputs into labels and probabilities, by name: thresholds of the task, the temperature.
        labels: The classes, in the order of the probabilities.
        leads: Names of the leads, in the order of the input's columns.
        lead_order: Leads that come first in a recording before leads are taken by position ("lead 1").
        units: Unit of the recordings it was trained on, before the first step: "mV", another one such as "NU"
            (normalised units), or ANY_UNIT.
        fs: Sampling rate of the input, Hz; 0: not stated.
        window: The windows of a recording.
        preprocessing: Steps for a whole recording, in order, as ecg_edge.signals.preprocessing takes them.
        window_preprocessing: Steps for each window after that.
        data: The recordings it was trained on.
        seed: Seed of the training.
        versions: Package → version, of those that trained and exported it.
        parameters: Trainable parameters of the Keras model.
        inputs: The inputs, in the file's order.
        outputs: The outputs, in the file's order, without the next values of states.
        quantisation: How it was quantised.
        streaming: Present where it takes blocks of a recording.
        history: Present where it takes one example after the other and keeps what was before.
        embedder: The beat classifier's file, of a model that takes features of beats.
        metrics: "parity" → figures of the comparison with the float model.
        reference: The reference vector.
        digest: SHA-256 of the file in hex, computed with 64 zeros in its place; "": none.
    """

    architecture: str = ""
    preset: str = ""
    task: TaskMetadata = field(default_factory=TaskMetadata)
    decision: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    lead_order: tuple[str, ...] = ()
    units: str = "mV"
    fs: float = 0.0
    window: WindowMetadata = field(default_factory=WindowMetadata)
    preprocessing: tuple[dict[str, Any], ...] = ()
    window_preprocessing: tuple[dict[str, Any], ...] = ()
    data: Optional[DataMetadata] = None
    seed: Optional[int] = None
    versions: dict[str, str] = field(default_factory=dict)
    parameters: Optional[int] = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    quantisation: Optional[QuantisationMetadata] = None
    streaming: Optional[StreamingMetadata] = None
    history: Optional[HistoryMetadata] = None
    embedder: Optional[EmbedderMetadata] = None
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    reference: Optional[ReferenceMetadata] = None
    digest: str = ""

    def __post_init__(self):
        _check(self.fs == 0 or 1 <= self.fs <= 1e6, "fs", "from 1 to 1,000,000 Hz", self.fs)
        for name, most in (("labels", MAX_LABELS), ("leads", MAX_LEADS), ("lead_order", MAX_LEADS)):
            texts = getattr(self, name)
            _check(len(texts) <= most, name, f"at most {most:,} names", f"{len(texts):,} names")
            _check(
                all(text.strip() and len(text) <= MAX_NAME for text in texts),
                name,
                "texts of 1 to 100 characters",
                texts,
            )
            _check(len(set(texts)) == len(texts), name, "different names", texts)
        check_temperature(self.decision)
        _check(len(self.units) <= MAX_NAME, "units", "a text of at most 100 characters", self.units)
        for name in ("preprocessing", "window_preprocessing"):
            _check(len(getattr(self, name)) <= MAX_STEPS, name, f"at most {MAX_STEPS} steps", len(getattr(self, name)))
        values = self.window.samples * len(self.leads)
        _check(values <= MAX_WINDOW, "window", f"at most {MAX_WINDOW:,} values in all leads", values)

    def require(self, *names: str) -> None:
        """Check that the file states these fields.

        Raises:
            ModelError: It does not state all of them.
        """
        missing = [name for name in names if getattr(self, name) == default_of(type(self), name)]
        if missing:
            raise ModelError(f"its metadata do not state {', '.join(missing)}: export it with ecg-edge export")


def check_temperature(decision: dict[str, Any]) -> None:
    """Raise ValueError where a decision has a temperature that is no number in TEMPERATURES."""
    value, (low, high) = decision.get("temperature", 1.0), TEMPERATURES
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    _check(is_number and low <= value <= high, "temperature", f"a number from {low:g} to {high:g}", value)


def _check(condition, name, expected, value):
    if not condition:
        raise ValueError(f"{name} is {shorten(value)}, not {expected}")
