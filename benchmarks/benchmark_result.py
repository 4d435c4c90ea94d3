"""How benchmarks report: a table on the terminal and, with --result, a JSON file that the documentation renders."""

import datetime
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ecg_edge.console import log, table
from ecg_edge.software_versions import git_commit, installed_versions
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import write_json

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("measured", "estimated", "emulated")
RESULT = "--result"

result_option = click.option(
    RESULT, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.json", help="Also write the result here."
)


def report(result: Path | None, title: str, kind: str, conditions: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a result and keep it.

    Args:
        result: The JSON file to write; None: print alone.
        title: What was measured, with units.
        kind: "measured" (on this machine), "emulated" (a processor in QEMU) or "estimated" (a calculation).
        conditions: What the values depend on: runtime, threads, weights, repetitions.
        rows: Plain data; the keys of all of them are the table's columns.
    """
    assert kind in KINDS
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table(f"{title} ({kind})", columns, [[_format(row.get(name)) for name in columns] for row in rows])
    if result is None:
        return
    write_json(
        result,
        {
            "source": "written by the command",
            "title": title,
            "command": [command_line()],
            "kind": kind,
            "conditions": conditions,
            "machine": describe_machine(),
            "date": datetime.date.today().isoformat(),
            "commit": git_commit(),
            "versions": installed_versions(),
            "rows": list(rows),
        },
    )
    log(f"written to {result}")


def run(command: click.Command) -> None:
    """Run a benchmark's command; bad input is one line on stderr and exit status 2, as in ecg-edge."""
    try:
        command()
    except InputError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_status)


def command_line() -> str:
    """Return the command that is running, without the file it writes to."""
    script, *words = sys.argv
    if RESULT in words:
        del words[words.index(RESULT) : words.index(RESULT) + 2]
    return shlex.join(["python", str(Path(script).resolve().relative_to(ROOT)), *words])


def describe_machine() -> str:
    """Return the kind of this machine, for example "x86_64, 2 CPUs, Linux"."""
    return f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()}"


def _format(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, Mapping):
        own, low, high = ("–" if value[key] is None else f"{value[key]:.4f}" for key in ("value", "low", "high"))
        return f"{own} [{low}, {high}]"
    return f"{value:,}" if isinstance(value, int) else str(value)
