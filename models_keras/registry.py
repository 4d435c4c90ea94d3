"""Every architecture by name."""

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

# name → the module that registers it. One line per architecture is all that adding one touches outside its own file.
MODULES = {
    "cnn_att_bilstm": "cnn_att_bilstm",
    "cnn": "cnn_att_bilstm",
    "cnn_att": "cnn_att_bilstm",
    "cnn_bilstm": "cnn_att_bilstm",
    "rhythm_resnet1d": "rhythm_resnet1d",
    "htf_beat": "htf_beat",
    "rhythm_from_beats": "rhythm_from_beats",
    "cae": "cae",
    "vae_bilstm": "vae_bilstm_mha",
    "vae_bilstm_mha": "vae_bilstm_mha",
    "ecg_mamba": "ecg_mamba",
}

# The architecture to try first, by what a database offers: labels of whole recordings, or beats and rhythm intervals.
SUGGESTED = {"labels": "cnn_att_bilstm", "beats": "rhythm_from_beats"}


@dataclasses.dataclass(frozen=True)
class Preset:
    """A named size: `model` are arguments of the architecture's build, `signal`, `training` and `task` the settings of
    the pipeline that go with them (see ecg_edge.training.config), where they differ from the defaults.

    parameters: number of leads → exact number of trainable parameters, at the paper's number of classes.
    """

    model: Mapping
    signal: Mapping
    training: Mapping
    parameters: Mapping[int, int]
    task: Mapping = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A line of a study: what is changed, `settings` by their dotted names, the architecture, the leads, or the number
    of windows of test-time augmentation."""

    name: str
    settings: Mapping = dataclasses.field(default_factory=dict)
    arch: str | None = None
    leads: str | None = None
    tta: int = 1


@dataclasses.dataclass(frozen=True)
class Architecture:
    """One published system: how to build it, what it is for, and what its source claims.

    build: (samples, leads, classes, **model) → keras.Model with named inputs and outputs. task: a name in
    ecg_edge.tasks, that of the source; other_tasks: those that its inputs and outputs serve as well. paper: where it is
    described. published: metric → value as the source prints it.
    """

    name: str
    summary: str
    paper: str
    task: str
    build: Callable
    classes: int
    presets: Mapping[str, Preset]
    published: Mapping[str, float]
    studies: Mapping[str, Sequence[Variant]] = dataclasses.field(default_factory=dict)
    parts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    other_tasks: Sequence[str] = ()


_found: dict[str, Architecture] = {}


def register(architecture: Architecture) -> None:
    _found[architecture.name] = architecture


def find(name: str) -> Architecture:
    """The architecture of that name. Raises ValueError that lists the closest names."""
    if name not in MODULES:
        close = difflib.get_close_matches(name, MODULES, n=3) or sorted(MODULES)
        raise ValueError(f"no architecture {name!r}: did you mean {' or '.join(close)}?")
    import_module(f"models_keras.{MODULES[name]}")
    return _found[name]


def names() -> list[str]:
    """Every registered name, in the order in which the systems are described."""
    return list(MODULES)
