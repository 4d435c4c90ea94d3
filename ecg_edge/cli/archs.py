"""ecg-edge archs: every architecture there is."""

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

    import_keras("the list of architectures")
    from ecg_edge import architecture_tables
    from ecg_edge.api.exportable import describe_architectures
    from models_keras.registry import find, names

    if exportable:
        found = describe_architectures()
        return console.print_json(found) if as_json else architecture_tables.print_forms(found)
    architectures = [find(name) for name in names()]
    if as_json:
        return console.print_json({a.name: architecture_tables.describe_architecture(a) for a in architectures})
    architecture_tables.print_architectures(architectures)
    console.log("next: ecg-edge train --arch cnn_att_bilstm --dry-run")
