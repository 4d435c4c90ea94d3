"""What a run is made of, typed: the signal's form, the recipe of training, the arguments of model and task.

Every value can be set from the command line by its dotted name (`training.batch=16`, `signal.window_s=30`,
`model.kernel=7`); an unknown name or a value of another type is refused.
"""

import ast
import dataclasses
import inspect
import types
import typing
from typing import Literal

from ecg_edge.data.examples import WindowSpec
from firmware_bench.runtime.errors import InputError, unknown_name


@dataclasses.dataclass(frozen=True)
class SignalConfig:
    """How a recording becomes windows.

    fs: sampling rate of the windows, Hz. window_s, stride_s: length of a window and distance of their starts, s
    (no stride: one after the other). highpass_hz, lowpass_hz: zero-phase Butterworth corners of order
    `filter_order`, or none. notch_hz: mains frequency to take out, or none. normalise: "record" scales each lead of
    the recording to zero mean and unit deviation, "window" each lead of a window, "none" keeps mV.
    """

    fs: float = 250.0
    window_s: float = 60.0
    stride_s: float | None = None
    highpass_hz: float | None = 0.5
    lowpass_hz: float | None = None
    notch_hz: float | None = None
    filter_order: int = 2
    normalise: Literal["none", "record", "window"] = "none"

    @property
    def samples(self) -> int:
        """Samples per window."""
        return round(self.fs * self.window_s)

    @property
    def stride(self) -> int:
        """Samples from one window's start to the next one's."""
        return max(1, round(self.fs * (self.stride_s or self.window_s)))

    def window_spec(self) -> WindowSpec:
        """The same as tasks take it."""
        window_steps = [{"step": "zscore"}] if self.normalise == "window" else []
        return WindowSpec(self.fs, self.samples, self.stride, self.steps(), window_steps)

    def steps(self) -> list[dict]:
        """The preprocessing as plain data, see ecg_edge.signals.preprocessing."""
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


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """The recipe. Defaults are those of arXiv 2511.08650: Adam, balanced class weights, the rate halved after
    `halve_after` epochs without a better validation loss and training stopped after `stop_after`.

    class_weights: "balanced" is inverse frequency, "sqrt" its square root and at most 10, "none" equal weights.
    optimizer: "adamw" takes `weight_decay` times the weights off them at every step. schedule: "plateau" as above,
    "cosine" goes down to 0 over all `epochs`, epoch by epoch, and stops nowhere; before either, the rate rises over
    `warmup_epochs`. label_smoothing: share of the target that goes to all classes evenly. gradient_norm: the gradient
    is scaled down to this norm, or none. averaging: at every
    step a moving average keeps this share of itself and takes the rest from the weights; after every epoch it replaces
    them, which steadies the validation loss (Polyak & Juditsky 1992). 0, as in the paper: no averaging. judge: an
    epoch is better for its validation "loss" or "score". keep: the "best" epoch, or the "last".
    """

    epochs: int = 100
    batch: int = 32
    learning_rate: float = 1e-3
    class_weights: Literal["balanced", "sqrt", "none"] = "balanced"
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = 0.0
    schedule: Literal["plateau", "cosine"] = "plateau"
    warmup_epochs: int = 0
    halve_after: int = 5
    stop_after: int = 10
    label_smoothing: float = 0.0
    gradient_norm: float | None = None
    averaging: float = 0.0
    judge: Literal["loss", "score"] = "loss"
    keep: Literal["best", "last"] = "best"


@dataclasses.dataclass(frozen=True)
class Config:
    """Everything that decides a run. `leads` None: all leads that the data set's recordings share."""

    arch: str
    preset: str
    data: str
    leads: tuple[str, ...] | None
    seed: int
    model: dict
    task: dict
    signal: SignalConfig
    training: TrainingConfig

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "Config":
        fields = {field.name for field in dataclasses.fields(cls)}
        known = {key: value for key, value in values.items() if key in fields}
        known["signal"] = SignalConfig(**values["signal"])
        known["training"] = TrainingConfig(**values["training"])
        known["task"] = {key: value for key, value in values["task"].items() if key != "name"}
        known["leads"] = tuple(values["leads"]) if values["leads"] else None
        return cls(**known)


def resolve(
    architecture, options, preset: str, data: str, leads, seed: int, assignments: typing.Sequence[str]
) -> Config:
    """The configuration of a run: defaults, then the preset's settings, then `key=value` assignments. options: the
    dataclass of the task's own settings.

    Raises InputError for an unknown preset, an unknown key (naming close matches) and a value of the wrong type.
    """
    if preset not in architecture.presets:
        raise unknown_name("preset", preset, architecture.presets)
    chosen = architecture.presets[preset]
    builder = inspect.signature(architecture.build).parameters
    model = {key: p.default for key, p in builder.items() if key not in ("samples", "leads", "classes", "name")}
    sections = {
        "model": {**model, **chosen.model},
        "task": dataclasses.asdict(options(**chosen.task)),
        "signal": dataclasses.asdict(SignalConfig(**chosen.signal)),
        "training": dataclasses.asdict(TrainingConfig(**chosen.training)),
    }
    kinds = {
        "model": {key: type(value) for key, value in model.items()},
        "task": typing.get_type_hints(options),
        "signal": typing.get_type_hints(SignalConfig),
        "training": typing.get_type_hints(TrainingConfig),
    }
    keys = {f"{section}.{key}": (section, key) for section in kinds for key in kinds[section]}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"--set takes key=value, not {assignment!r}")
        if name not in keys:
            raise unknown_name("setting", name, keys)
        section, key = keys[name]
        sections[section][key] = parse(text, kinds[section][key], name)
    _check(sections["signal"], sections["training"])
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
    )


def parse(text: str, kind, name: str):
    """`text` as a value of `kind`: int, float, bool, str, tuple, a Literal, or one of these or None."""
    options = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        if text.lower() == "none":
            return None
        return parse(text, next(option for option in options if option is not type(None)), name)
    if typing.get_origin(kind) is Literal:
        if text not in options:
            raise unknown_name(f"value of {name}", text, options)
        return text
    try:
        if kind is str:
            return text
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is tuple:
            value = ast.literal_eval(text)
            return tuple(value) if isinstance(value, tuple | list) else (value,)
        return kind(text)
    except (ValueError, KeyError, SyntaxError):
        raise InputError(f"{name} is of type {kind.__name__}, {text!r} is not") from None


def _check(signal: dict, training: dict) -> None:
    for section, values, positive in (
        ("signal", signal, ("fs", "window_s", "stride_s", "highpass_hz", "lowpass_hz", "notch_hz", "filter_order")),
        ("training", training, ("epochs", "batch", "learning_rate", "halve_after", "stop_after", "gradient_norm")),
    ):
        for key in positive:
            if values[key] is not None and not values[key] > 0:
                raise InputError(f"{section}.{key} must be above 0, not {values[key]}")
    for key in ("averaging", "label_smoothing"):
        if not 0 <= training[key] < 1:
            raise InputError(f"training.{key} must be at least 0 and below 1, not {training[key]}")
    for key in ("weight_decay", "warmup_epochs"):
        if training[key] < 0:
            raise InputError(f"training.{key} must be at least 0, not {training[key]}")
