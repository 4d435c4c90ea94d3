"""Changes that the site needs to what MkDocs renders."""

from collections.abc import Iterator

import click

from ecg_edge.cli.main import cli


def on_config(config):
    """Shows the examples of every command as code."""
    for command in _commands(cli):
        command.help = _examples_as_code(command.help or "")
    return config


def _commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _commands(child)


def _examples_as_code(text: str) -> str:
    r"""Indents the lines below "Examples:", which click keeps as they are by \b, to a code block of Markdown."""
    before, heading, after = text.partition("\b\nExamples:\n")
    if not heading:
        return text
    lines = [f"    {line.strip()}" for line in after.strip().splitlines()]
    return "\n".join([before.rstrip(), "", "**Examples:**", "", *lines, ""])
