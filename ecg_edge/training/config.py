"""The configuration of a run, typed: windows and preprocessing, augmentation, the training recipe, arguments of model
and task.

Every value can be set on the command line by its dotted name (`training.batch=16`, `signal.window_s=30`,
`model.kernel=7`); an unknown name or a value of another type is an error.
"""

import dataclasses
import inspect
import typing
from collections.abc import Sequence
from typing import Any, Literal

from ecg_edge.data.examples import WindowSpec
from ecg_edge.signals.augmentation import AugmentationConfig
from ecg_edge.signals.causal_steps import design_filters
from ecg_edge.training.setting_value import parse_setting
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.typed_json import decode_json

MAX_RATE = 1e6  # Hz
MAX_SAMPLES = 10**8
MAX_FILTER_ORDER = 20
MAX_SEED = 2**32 - 1  # of numpy, which Keras seeds too
RUNNING_MEMORY_S = 10.0


@dataclasses.dataclass(frozen=True)
class SignalConfig:
    """How a recording becomes windows, as the user sets it.

    Attributes:
        fs: sampling rate of the windows, Hz.
        window_s: length of a window, s.
        stride_s: from one window's start to the next one's, s; None: one after the other.
        mode: "causal" is what a device can compute sample by sample; "offline" steps look ahead in a recording: filters
            run forwards and backwards, gaps are lines, and normalise=record takes the whole recording. The presets edge
            and tiny are causal.
        highpass_hz, lowpass_hz: corners of Butterworth filters, or None.
        notch_hz: mains frequency to remove, or None.
        filter_order: of the Butterworth filters.
        normalise: "record" scales each lead of the recording to zero mean and unit variance, "running" divides by the
            running standard deviation, "window" scales each lead of a window, "none" keeps mV.
    """

    fs: float = 250.0
    window_s: float = 60.0
    stride_s: float | None = None
    highpass_hz: float | None = 0.5
    lowpass_hz: float | None = None
    notch_hz: float | None = None
    filter_order: int = 2
    normalise: Literal["none", "record", "running", "window"] = "none"
    mode: Literal["offline", "causal"] = "offline"

    @property
    def samples(self) -> int:
        """Samples per window."""
        return round(self.fs * self.window_s)

    @property
    def stride(self) -> int:
        """Samples from one window's start to the next one's."""
        return max(1, round(self.fs * (self.stride_s or self.window_s)))

    def window_spec(self) -> WindowSpec:
        """The windows and their preprocessing as tasks, models and exported files describe them."""
        window_steps = [{"step": "zscore"}] if self.normalise == "window" else []
        return WindowSpec(self.fs, self.samples, self.stride, self.steps(), window_steps)

    def steps(self) -> list[dict]:
        """The preprocessing as plain data, see ecg_edge.signals.preprocessing."""
        if self.mode == "causal":
            return self._causal_steps()
        steps = [{"step": "fill_gaps"}, {"step": "resample", "fs": self.fs}]
        if self.highpass_hz and self.lowpass_hz:
            corners = {"low": self.highpass_hz, "high": self.lowpass_hz}
            steps.append({"step": "bandpass", **corners, "order": self.filter_order})
        elif self.highpass_hz:
            steps.append({"step": "highpass", "cutoff": self.highpass_hz, "order": self.filter_order})
        elif self.lowpass_hz:
            steps.append({"step": "lowpass", "cutoff": self.lowpass_hz, "order": self.filter_order})
        if self.notch_hz:
            steps.append({"step": "notch", "frequency": self.notch_hz})
        if self.normalise == "record":
            steps.append({"step": "zscore"})
        return steps

    def _causal_steps(self) -> list[dict]:
        filters = design_filters(self.fs, self.highpass_hz, self.lowpass_hz, self.notch_hz, self.filter_order)
        scale = [{"step": "scale_running", "memory_s": RUNNING_MEMORY_S}] if self.normalise == "running" else []
        return [{"step": "hold_gaps"}, {"step": "resample_causal", "fs": self.fs}, *filters, *scale]


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The training recipe. Defaults are those of arXiv 2511.08650: Adam, balanced class weights, plateau schedule.

    Attributes:
        epochs: at most.
        batch: examples per step.
        learning_rate: at the start of the schedule.
        class_weights: "balanced" is inverse frequency, "sqrt" its square root and at most 10, "none" equal weights;
            "sampled" draws as many examples of each class into an epoch instead, those of rare classes repeatedly.
        loss: a name in ecg_edge.training.losses, or None for the task's.
        optimizer: "adam", or "adamw" with `weight_decay`.
        weight_decay: share of the weights that AdamW subtracts per step, times the learning rate.
        schedule: "plateau" halves the rate after `halve_after` epochs without a better validation value and stops after
            `stop_after`; "cosine" falls to 0 over all `epochs` and does not stop early.
        warmup_epochs: over which the rate rises, before either schedule.
        halve_after, stop_after: epochs, of the plateau schedule.
        label_smoothing: share of the target that is spread over all classes.
        gradient_norm: global norm to which the gradient is clipped, or None.
        averaging: momentum of a moving average of the weights, which replaces them after every epoch (Polyak & Juditsky
            1992) and steadies the validation loss; 0 for none, as in the paper.
        monitor: the validation value that decides which epoch is better, "loss" or "score".
        keep: the "best" epoch, or the "last".
        teachers: folders of trained runs to distil from, with commas between them, or None.
        teacher_share: of the loss towards the teachers' mean probabilities; the rest is the loss of the labels.
        teacher_temperature: that softens both.
        init: folder of the run whose weights training starts from, where they fit; None: fresh ones.
    """

    epochs: int = 100
    batch: int = 32
    learning_rate: float = 1e-3
    class_weights: Literal["balanced", "sqrt", "none", "sampled"] = "balanced"
    loss: str | None = None
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = 0.0
    schedule: Literal["plateau", "cosine"] = "plateau"
    warmup_epochs: int = 0
    halve_after: int = 5
    stop_after: int = 10
    label_smoothing: float = 0.0
    gradient_norm: float | None = None
    averaging: float = 0.0
    monitor: Literal["loss", "score"] = "loss"
    keep: Literal["best", "last"] = "best"
    teachers: str | None = None
    teacher_share: float = 0.5
    teacher_temperature: float = 2.0
    init: str | None = None


@dataclasses.dataclass(frozen=True)
class Config:
    """The resolved configuration of a run: everything that decides its result.

    Attributes:
        arch: name of the architecture.
        preset: name of the preset that the settings started from.
        data: name of a database, or a folder.
        leads: names, or None for all leads that the recordings share.
        seed: of the split, the first weights and the order of examples.
        model: arguments of the architecture's `build`.
        task: settings of the task.
        signal, training, augmentation: see their classes.
    """

    arch: str
    preset: str
    data: str
    leads: tuple[str, ...] | None
    seed: int
    model: dict[str, Any]
    task: dict[str, Any]
    signal: SignalConfig
    training: TrainingConfig
    augmentation: AugmentationConfig = dataclasses.field(default_factory=AugmentationConfig)

    def to_dict(self) -> dict:
        """Plain data for config.json."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Config":
        """The inverse of `to_dict`; other keys are ignored.

        Raises:
            InputError, KeyError, TypeError, ValueError: `values` is no configuration.
        """
        # Runs of version 0.1 call the monitored value "judge".
        training = {"monitor" if key == "judge" else key: value for key, value in values["training"].items()}
        task = {key: value for key, value in values["task"].items() if key != "name"}
        augmentation = values.get("augmentation", {})  # runs before version 0.2 have none
        for kind, section in (
            (SignalConfig, values["signal"]),
            (TrainingConfig, training),
            (AugmentationConfig, augmentation),
        ):
            unknown = set(section) - {field.name for field in dataclasses.fields(kind)}
            if unknown:
                raise ValueError(f"there is no setting {', '.join(sorted(unknown))}")
        known = decode_json(cls, {**values, "training": training, "task": task, "leads": values["leads"] or None})
        _check(known.seed, dataclasses.asdict(known.signal), dataclasses.asdict(known.training))
        known.augmentation.check()
        return known


def resolve(
    architecture,
    options: type,
    preset: str,
    data: str,
    leads: tuple[str, ...] | None,
    seed: int,
    assignments: Sequence[str],
) -> Config:
    """Resolve the configuration of a run: defaults, then the preset's settings, then `key=value` assignments.

    Args:
        architecture: models_keras.registry.Architecture.
        options: the dataclass of the task's own settings.
        preset: a name in `architecture.presets`.
        data, leads, seed: as in Config.
        assignments: "section.key=value".

    Raises:
        InputError: there is no such preset or key, or a value has the wrong type or range.
    """
    if preset not in architecture.presets:
        raise unknown_name("preset", preset, architecture.presets)
    settings = architecture.presets[preset]
    builder = inspect.signature(architecture.build).parameters
    model = {key: p.default for key, p in builder.items() if key not in ("samples", "leads", "classes", "name")}
    sections = {
        "model": {**model, **settings.model},
        "task": dataclasses.asdict(options(**settings.task)),
        "signal": dataclasses.asdict(SignalConfig(**settings.signal)),
        "training": dataclasses.asdict(TrainingConfig(**settings.training)),
        "augmentation": dataclasses.asdict(AugmentationConfig()),
    }
    kinds = {
        "model": {key: type(value) for key, value in model.items()},
        "task": typing.get_type_hints(options),
        "signal": typing.get_type_hints(SignalConfig),
        "training": typing.get_type_hints(TrainingConfig),
        "augmentation": typing.get_type_hints(AugmentationConfig),
    }
    keys = {f"{section}.{key}": (section, key) for section in kinds for key in kinds[section]}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"a setting is key=value, not {assignment!r}")
        if name not in keys:
            raise unknown_name("setting", name, keys)
        section, key = keys[name]
        sections[section][key] = parse_setting(text, kinds[section][key], name)
    _check(seed, sections["signal"], sections["training"])
    augmentation = AugmentationConfig(**sections["augmentation"])
    augmentation.check()
    return Config(
        arch=architecture.name,
        preset=preset,
        data=data,
        leads=leads,
        seed=seed,
        model=sections["model"],
        task=sections["task"],
        signal=SignalConfig(**sections["signal"]),
        training=TrainingConfig(**sections["training"]),
        augmentation=augmentation,
    )


def _check(seed: int, signal: dict, training: dict) -> None:
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"the seed has to be from 0 to {MAX_SEED}, not {seed}")
    if not signal["fs"] <= MAX_RATE or not signal["fs"] * signal["window_s"] <= MAX_SAMPLES:
        raise InputError(
            f"a window of {signal['window_s']:g} s at {signal['fs']:g} Hz is beyond {MAX_SAMPLES:,} samples"
        )
    if signal["mode"] == "causal" and signal["normalise"] == "record":
        raise InputError(
            "signal.normalise=record takes a whole recording: set running or window, or signal.mode=offline"
        )
    if signal["normalise"] == "running" and not (signal["mode"] == "causal" and signal["highpass_hz"]):
        raise InputError(
            "signal.normalise=running needs signal.mode=causal and a high-pass, signal.highpass_hz: or set it to record"
        )
    if signal["filter_order"] > MAX_FILTER_ORDER:
        raise InputError(f"signal.filter_order is {signal['filter_order']}, at most {MAX_FILTER_ORDER}")
    for section, values, positive in (
        ("signal", signal, ("fs", "window_s", "stride_s", "highpass_hz", "lowpass_hz", "notch_hz", "filter_order")),
        (
            "training",
            training,
            ("epochs", "batch", "learning_rate", "halve_after", "stop_after", "gradient_norm", "teacher_temperature"),
        ),
    ):
        for key in positive:
            if values[key] is not None and not values[key] > 0:
                raise InputError(f"{section}.{key} must be above 0, not {values[key]}")
    for key in ("averaging", "label_smoothing"):
        if not 0 <= training[key] < 1:
            raise InputError(f"training.{key} must be at least 0 and below 1, not {training[key]}")
    if not 0 < training["teacher_share"] <= 1:
        raise InputError(f"training.teacher_share must be above 0 and at most 1, not {training['teacher_share']}")
    for key in ("weight_decay", "warmup_epochs"):
        if training[key] < 0:
            raise InputError(f"training.{key} must be at least 0, not {training[key]}")
