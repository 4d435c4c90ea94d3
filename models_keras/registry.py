"""Every architecture by name."""

import dataclasses
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
# The architecture to try first, by what a database offers: labels of recordings, or beats and rhythm intervals.
SUGGESTED = {"labels": "cnn_att_bilstm", "beats": "rhythm_from_beats"}


@dataclasses.dataclass(frozen=True)
class Preset:
    """A named size of an architecture with the settings of the pipeline that go with it.

    Attributes:
        model: arguments of the architecture's `build`, where they differ from its defaults.
        signal, training, task: settings (see ecg_edge.training.config and the task), where they differ from the
            defaults.
        parameters: number of leads → exact number of trainable parameters, at the paper's number of classes.
    """

    model: Mapping
    signal: Mapping
    training: Mapping
    parameters: Mapping[int, int]
    task: Mapping = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Variant:
    """One row of an ablation study.

    Attributes:
        name: of the row.
        settings: dotted name → value, where they differ from the preset.
        arch: another architecture, or None.
        leads: names, or None for all.
        tta: windows of test-time augmentation.
    """

    name: str
    settings: Mapping = dataclasses.field(default_factory=dict)
    arch: str | None = None
    leads: str | None = None
    tta: int = 1


@dataclasses.dataclass(frozen=True)
class Architecture:
    """One published system: how to build it, what it is for, and the results that its source states.

    Attributes:
        name: in MODULES.
        summary: half a line.
        paper: where it is described.
        task: a name in ecg_edge.tasks.TASKS, that of the source.
        build: (samples, leads, classes, **model) → keras.Model with named inputs and outputs.
        classes: number of classes in the source.
        presets: "paper", "edge" and "tiny".
        published: metric → value as the source states it.
        studies: ablations: name → rows.
        parts: for timing: part of the model → its last layer.
        other_tasks: tasks that it serves as well → arguments of `build` that fit its output to the task.
        split_beat_model: of a beat classifier, model → (waveform model, head): its features are inputs of other models.
        beat_features: of a beat classifier, (model, morphology) → the same with its features as the output "fused"
            beside its own; without morphology these are the RR intervals and the probabilities.
        beat_embedder: the architecture whose beat features are an input of this one, or None.
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
    other_tasks: Mapping[str, Mapping] = dataclasses.field(default_factory=dict)
    split_beat_model: Callable | None = None
    beat_features: Callable | None = None
    beat_embedder: str | None = None


_registered: dict[str, Architecture] = {}


def register(architecture: Architecture) -> None:
    """Make an architecture known to `find`, once its module is imported."""
    _registered[architecture.name] = architecture


def find(name: str) -> Architecture:
    """The architecture called `name`; imports its module, and with it Keras.

    Raises:
        ValueError: there is none.
    """
    if name not in MODULES:
        raise ValueError(f"no architecture {name!r}: there is {', '.join(sorted(MODULES))}")
    import_module(f"models_keras.{MODULES[name]}")
    return _registered[name]


def names() -> list[str]:
    """Every name, grouped by paper."""
    return list(MODULES)
