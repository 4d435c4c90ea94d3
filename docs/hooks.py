"""Changes that the site needs to what MkDocs renders."""

import inspect
from collections.abc import Iterator

import click

from ecg_edge.cli.main import cli


def on_config(config):
    """Give every command the name it is called by, and show its examples as code."""
    for name, command in _commands("ecg-edge", cli):
        command.name, command.help = name, _examples_as_code(command.help or "")
    return config


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            assert child is not None
            yield from _commands(child_name, child)


def _examples_as_code(text: str) -> str:
    r"""Indents the lines below "Examples:", which click keeps as they are by \b, to a code block of Markdown."""
    before, heading, after = inspect.cleandoc(text).partition("\b\nExamples:\n")
    if not heading:
        return text
    lines = [f"    {line.strip()}" for line in after.strip().splitlines()]
    return "\n".join([before.rstrip(), "", "**Examples:**", "", *lines, ""])
