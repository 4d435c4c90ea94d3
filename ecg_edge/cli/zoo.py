"""ecg-edge zoo: the models that ship with ecg-edge, and the card of one."""

import dataclasses

import click

from ecg_edge import console, zoo
from ecg_edge.zoo.card import list_card, make_sections

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx):
    """List the models that ship with ecg-edge. Wherever a MODEL is asked for, a name will do.

    A file or a folder of that name in the working directory comes first.

    \b
    Examples:
      ecg-edge zoo
      ecg-edge zoo show af-single-lead-small
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_all)


@command.command("list")
@as_json
def list_all(as_json=False):
    """List the models: what each says, its data, a figure, its size."""
    cards = [zoo.read_card(name) for name in zoo.list_models()]
    if as_json:
        return console.print_json({"models": [dataclasses.asdict(card) for card in cards]})
    console.table("Models", ["name", "says", "data", "test part, integers", "size"], list(map(list_card, cards)))
    console.log("next: ecg-edge zoo show NAME; ecg-edge predict NAME RECORD")


@command.command()
@click.argument("name")
@as_json
def show(name, as_json):
    """Show the card of a model: data, figures, size, limits, how it was built."""
    card = zoo.read_card(name)
    if as_json:
        return console.print_json(dataclasses.asdict(card))
    for title, columns, rows in make_sections(card):
        show_section = console.table if title.startswith("Test part") else console.print_section
        show_section(title, columns, rows)
    console.log(f"next: ecg-edge predict {name} RECORD")
