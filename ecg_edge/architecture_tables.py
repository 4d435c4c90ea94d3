"""The tables of ecg-edge archs: architectures, and what the export makes of each."""

import dataclasses
from collections.abc import Iterable, Mapping

from ecg_edge import console
from models_keras.registry import Architecture


def print_architectures(architectures: Iterable[Architecture]) -> None:
    """Print name, task, trainable parameters and source of architectures."""
    rows = []
    for a in architectures:
        parameters = ", ".join(f"{count:,} ({leads} leads)" for leads, count in a.presets["paper"].parameters.items())
        rows.append([a.name, a.summary, a.task, parameters, a.paper])
    console.table("Architectures", ["name", "what it is", "task", "parameters, paper preset", "paper"], rows)


def print_forms(found: Mapping[str, Mapping[str, str | None]]) -> None:
    """Print what the export makes of architectures.

    Args:
        found: Architecture → form of the export → the layer that prevents it, None where none does.
    """
    forms = next(iter(found.values()))
    rows = [[name, *(obstacle or "yes" for obstacle in each.values())] for name, each in found.items()]
    console.table("Forms of the export", ["name", *forms], rows)
    console.log("a stream computes in 16 bits (one of beats in 8); for 8 bits: ecg-edge export FILE --c99 --hop 1")
    console.log("next: ecg-edge train --arch NAME --dry-run says it of your settings")


def describe_architecture(architecture: Architecture) -> dict:
    """Return an architecture as plain data."""
    return {
        "summary": architecture.summary,
        "paper": architecture.paper,
        "task": architecture.task,
        "other_tasks": [*architecture.other_tasks],
        "classes": architecture.classes,
        "presets": {name: dataclasses.asdict(preset) for name, preset in architecture.presets.items()},
        "published": dict(architecture.published),
    }
