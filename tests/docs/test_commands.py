"""Every command that README.md and the documentation show exists and accepts its options."""

import dataclasses
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from ecg_edge.cli.main import cli
from ecg_edge.training.config import SignalConfig, TrainingConfig
from models_keras.registry import names

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SETTINGS = {"signal": SignalConfig, "training": TrainingConfig}


def split_commands(text: str) -> list[str]:
    """The commands of lines, continued lines joined, comments left out."""
    return [part.strip() for line in text.replace("\\\n", " ").splitlines() for part in re.split(r"&&|\s#\s", line)]


def divide(text: str) -> tuple[str, str]:
    """A page's console and text blocks, and the prose between all blocks."""
    blocks, prose, fence = [], [], None
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fence = line.strip().removeprefix("```") if fence is None else None
        elif fence is None:
            prose.append(line)
        elif fence in ("", "console", "text"):
            blocks.append(line)
    return "\n".join(blocks), "\n".join(prose)


def fenced_commands(text: str) -> list[str]:
    """The commands in a page's fenced blocks."""
    return split_commands(re.sub(r"^\$ ", "", divide(text)[0], flags=re.MULTILINE))


def named_commands(text: str) -> list[str]:
    """The commands in a page's code spans, which may end with an option whose value is left out."""
    return split_commands("\n".join(re.findall(r"`([^`\n]+)`", divide(text)[1])))


def check_ecg_edge(words: list[str], added: list[str]) -> None:
    """Parses the words after `ecg-edge`. Raises click.UsageError or AssertionError."""
    command, context = cli, click.Context(cli, info_name="ecg-edge")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    values, extra, _ = command.make_parser(context).parse_args(list(words))
    assert not extra, f"unexpected arguments {extra}"
    for parameter in command.params:
        chosen = values.get(parameter.name)
        if isinstance(parameter.type, click.Choice) and isinstance(chosen, str):
            parameter.type.convert(chosen, parameter, context)
        if parameter.name == "arch" and isinstance(chosen, str) and chosen.islower():
            assert chosen in [*names(), *added], f"there is no architecture {chosen}"
    for group, _, key in (word.partition("=")[0].partition(".") for word in words if "=" in word and "." in word):
        if group in SETTINGS:
            assert key in {field.name for field in dataclasses.fields(SETTINGS[group])}, f"no setting {group}.{key}"


def check(line: str, added: Sequence[str] = ()) -> None:
    """Checks one command line. added: architectures that a recipe has registered before it."""
    words = shlex.split(line.replace("…", " ").replace("KEY=VALUE", ""))
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    match words:
        case ["ecg-edge", *rest]:
            check_ecg_edge(rest, list(added))
        case ["python" | "python3", script, *_] if "/" in script:
            runs = (ROOT / script).is_file() or (ROOT / script / "__main__.py").is_file()
            assert runs, f"{script} does not exist"
        case ["make", target, *_] if target.islower() and (ROOT / "Makefile").is_file():
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"no target {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_exist_and_parse(page):
    text, faults = page.read_text(encoding="utf-8"), []
    added = re.findall(r"^        name=\"(\w+)\",$", text, re.MULTILINE)
    for commands, allowed in ((fenced_commands(text), ()), (named_commands(text), click.BadOptionUsage)):
        for line in commands:
            try:
                check(line, added)
            except allowed:
                pass
            except (click.UsageError, AssertionError, ValueError) as error:
                faults.append(f"{line}: {error}")
    assert not faults, "\n".join(faults)


def test_commands_are_found_in_blocks_and_in_code_spans():
    page = "Call `ecg-edge archs --json`.\n\n```console\nX=1 ecg-edge evaluate RUN \\\n    --tta 7  # slow\n```\n"
    assert fenced_commands(page) == ["X=1 ecg-edge evaluate RUN      --tta 7", "slow"]
    assert named_commands(page) == ["ecg-edge archs --json"]


@pytest.mark.parametrize(
    "line",
    [
        "ecg-edge trian",
        "ecg-edge train --archi cnn",
        "ecg-edge train --arch cnn_lstm",
        "ecg-edge train --set signal.window=30",
        "ecg-edge export RUN --target fpga",
        "ecg-edge archs RUN",
        "python benchmarks/absent.py",
        "make absent",
    ],
)
def test_a_command_that_does_not_exist_is_found(line):
    with pytest.raises((click.UsageError, AssertionError)):
        check(line)
