"""The card of a shipped model: typed, read from JSON, shown as sections by the command line and the documentation."""

import dataclasses
import json
from typing import NamedTuple

from firmware_bench.runtime.typed_json import decode_json

USE = "For research only, not for clinical use."


@dataclasses.dataclass(frozen=True)
class CardData:
    """Recordings that the model was trained, chosen and tested on.

    Attributes:
        name: Of the database.
        title: The same in words.
        licence: Of the recordings.
        source: Where they come from.
        recordings: Part ("train", "validation", "test") → number of recordings.
        patients: Part → number of patients.
    """

    name: str
    title: str
    licence: str
    source: str
    recordings: dict[str, int]
    patients: dict[str, int]


@dataclasses.dataclass(frozen=True)
class CardEstimate:
    """A metric with its 95 % interval by bootstrap over patients."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class CardFigure:
    """A metric of the test part.

    Attributes:
        metric: Its name.
        real: Of the trained model, in float.
        integers: Of the shipped file.
    """

    metric: str
    real: CardEstimate
    integers: CardEstimate


@dataclasses.dataclass(frozen=True)
class CardDevice:
    """What the model takes on a microcontroller.

    Attributes:
        file_bytes: Size of the file, with that of the beat classifier whose features the model takes.
        arena_bytes: Tensor arenas of TensorFlow Lite Micro, of the same files.
        ram_bytes: RAM of the generated C program for a signal, with its stack.
        flash_bytes: Flash of the generated C program, code and constants.
        instructions: Instructions of the generated C program.
        per: What they are for: a second of signal from counts to labels, a window, a step.
        label: What is measured and what emulated.
    """

    file_bytes: int
    arena_bytes: int
    ram_bytes: int
    flash_bytes: int
    instructions: int
    per: str
    label: str


@dataclasses.dataclass(frozen=True)
class FixedSet:
    """Real recordings of the validation part whose labels must not change.

    Attributes:
        data: Name of their database.
        predicted: Recording → the label that the shipped file gives it.
        accuracy: Share of these labels that are right; None where a recording has no one label.
    """

    data: str
    predicted: dict[str, str]
    accuracy: float | None


@dataclasses.dataclass(frozen=True)
class Card:
    """What is known of a shipped model.

    Attributes:
        name: Its name in the zoo.
        summary: What it says of what.
        architecture: Name of the architecture.
        preset: Its preset.
        parameters: Trainable parameters.
        labels: The labels, with their meaning.
        leads: The leads that it takes.
        fs: Rate of its input, Hz.
        window_s: Length of its window, s.
        data: The recordings.
        split: How they were divided.
        augmentation: How training windows were changed.
        test_units: What was counted in the test part, such as "753 recordings".
        figures: Metrics of the test part.
        temperature: Of the probabilities; None where it gives none.
        calibration_error: Of the shipped file on the test part, "before" and "after" the temperature.
        other_data: Databases that it was tried on without retraining → what was found.
        device: What it takes on a microcontroller.
        limits: What it cannot do.
        fixed_set: Recordings whose labels must not change.
        command: Rebuilds the model from recordings.
        date: Day of the build.
        digest: SHA-256 of the file, as its metadata state it.
        versions: Package → version, of those that built it.
    """

    name: str
    summary: str
    architecture: str
    preset: str
    parameters: int
    labels: dict[str, str]
    leads: tuple[str, ...]
    fs: float
    window_s: float
    data: tuple[CardData, ...]
    split: str
    augmentation: str
    test_units: str
    figures: tuple[CardFigure, ...]
    temperature: float | None
    calibration_error: dict[str, float]
    other_data: dict[str, str]
    device: CardDevice
    limits: tuple[str, ...]
    fixed_set: FixedSet
    command: str
    date: str
    digest: str
    versions: dict[str, str]


class CardSection(NamedTuple):
    """A table of a card: its title, the titles of its columns, and its rows."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def decode_card(payload: bytes) -> Card:
    """Return a card from JSON in UTF-8. Raises ValueError: it is none."""
    return decode_json(Card, json.loads(payload))


def list_card(card: Card) -> list[str]:
    """Return a card as a row: name, what it says, data, the first figure in integers, size."""
    first = card.figures[0]
    data = ", ".join(each.name for each in card.data)
    return [
        card.name,
        card.summary,
        data,
        f"{first.metric} {_estimate(first.integers)}",
        f"{card.device.file_bytes:,} bytes",
    ]


def make_sections(card: Card) -> list[CardSection]:
    """Return the tables of a card: the model, its data, figures, what it takes on a device, limits."""
    device = card.device
    model = [
        ["use", USE],
        ["architecture", f"{card.architecture}, {card.preset}: {card.parameters:,} parameters"],
        ["input", f"{', '.join(card.leads)}; {card.window_s:g} s at {card.fs:g} Hz"],
        ["labels", ", ".join(f"{label}: {meaning}" for label, meaning in card.labels.items())],
        ["split", card.split],
        ["augmentation in training", card.augmentation],
        ["rebuild", card.command],
        ["built", f"{card.date}, with {', '.join(f'{name} {text}' for name, text in card.versions.items())}"],
        ["digest", card.digest],
    ]
    data = [
        [each.title, each.licence, each.source]
        + [f"{each.recordings[part]:,} of {each.patients[part]:,}" for part in ("train", "validation", "test")]
        for each in card.data
    ]
    figures = [[each.metric, _estimate(each.real), _estimate(each.integers)] for each in card.figures]
    error = card.calibration_error
    if error:
        figures.append(["expected calibration error before the temperature", "", f"{error['before']:.3f}"])
        figures.append([f"the same after it, T = {card.temperature:g}", "", f"{error['after']:.3f}"])
    memory = [
        ["file", f"{device.file_bytes:,} bytes"],
        ["tensor arena, TensorFlow Lite Micro", f"{device.arena_bytes:,} bytes"],
        ["C program: RAM of a signal, with stack", f"{device.ram_bytes:,} bytes"],
        ["C program: flash", f"{device.flash_bytes:,} bytes"],
        [f"C program: instructions of {device.per}", f"{device.instructions / 1e6:.1f} million"],
        ["how", device.label],
    ]
    others = [[name, found] for name, found in card.other_data.items()] or [["none", "not tried on other databases"]]
    return [
        CardSection(card.summary, ["", ""], model),
        CardSection("Data: recordings of patients", ["data", "licence", "source", "train", "validation", "test"], data),
        CardSection(f"Test part, {card.test_units}", ["metric", "float", "integers"], figures),
        CardSection("Other databases, without retraining", ["data", "found"], others),
        CardSection("On a microcontroller", ["", "value"], memory),
        CardSection("Limits", [""], [[limit] for limit in card.limits]),
    ]


def _estimate(estimate: CardEstimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
