"""ecg-edge archs: every architecture there is."""

import dataclasses

import click

from ecg_edge import console


@click.command()
@click.option("--exportable", is_flag=True, help="Say what the export makes of each, and which layer prevents it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def command(exportable, as_json):
    """List every architecture: paper, task, trainable parameters, published results.

    \b
    Examples:
      ecg-edge archs
      ecg-edge archs --exportable
      ecg-edge archs --json
    """
    from ecg_edge.keras_backend import import_keras
    from models_keras.registry import find, names

    import_keras("the list of architectures")
    if exportable:
        return print_forms(as_json)
    architectures = [find(name) for name in names()]
    if as_json:
        console.print_json({a.name: describe(a) for a in architectures})
        return
    rows = []
    for a in architectures:
        parameters = ", ".join(f"{count:,} ({leads} leads)" for leads, count in a.presets["paper"].parameters.items())
        rows.append([a.name, a.summary, a.task, parameters, a.paper])
    console.table("Architectures", ["name", "what it is", "task", "parameters, paper preset", "paper"], rows)
    console.log("next: ecg-edge train --arch cnn_att_bilstm --dry-run")


def print_forms(as_json: bool) -> None:
    """Print what the export makes of every architecture, tiny preset."""
    from ecg_edge.api.exportable import describe_architectures

    found = describe_architectures()
    if as_json:
        return console.print_json(found)
    forms = next(iter(found.values()))
    rows = [[name, *(obstacle or "yes" for obstacle in each.values())] for name, each in found.items()]
    console.table("Forms of the export", ["name", *forms], rows)
    console.log("a stream computes in 16 bits (one of beats in 8); for 8 bits: ecg-edge export FILE --c99 --hop 1")
    console.log("next: ecg-edge train --arch NAME --dry-run says it of your settings")


def describe(architecture) -> dict:
    """The architecture as plain data."""
    return {
        "summary": architecture.summary,
        "paper": architecture.paper,
        "task": architecture.task,
        "other_tasks": [*architecture.other_tasks],
        "classes": architecture.classes,
        "presets": {name: dataclasses.asdict(preset) for name, preset in architecture.presets.items()},
        "published": dict(architecture.published),
    }
