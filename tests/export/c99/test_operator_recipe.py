"""docs/contributing/operator.md, followed step by step in a copy of the source tree."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from export.c99 import ops
from firmware_bench.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "contributing" / "operator.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.fixture
def copy(tmp_path):
    for name in ("export", "firmware_bench", "models_keras", "ecg_edge", "tests"):
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "copy")
    return tmp_path / "copy"


def follow(text: str, folder: Path) -> None:
    """Run the shell blocks, apply the diffs, write the new files, and run the tests that a recipe names."""
    for language, title, body in BLOCK.findall(text):
        if language == "sh":
            subprocess.run(["sh", "-e", "-c", body], cwd=folder, check=True)
        elif language == "diff":
            old = "".join(f"{line[1:]}\n" for line in body.splitlines() if not line.startswith("+"))
            new = "".join(f"{line[1:]}\n" for line in body.splitlines() if not line.startswith("-"))
            content = (folder / title).read_text()
            assert content.count(old) == 1, f"{title} has these lines {content.count(old)} times:\n{old}"
            (folder / title).write_text(content.replace(old, new))
        elif title:
            assert not (folder / title).exists(), f"{title} exists already"
            (folder / title).write_text(body)
        elif language == "console":
            command, expected = re.fullmatch(r"\$ pytest (.*)\n(.*)\n", body).groups()
            assert expected in run_tests(folder, command)


def run_tests(folder: Path, arguments: str) -> str:
    words = [argument.strip('"') for argument in re.findall(r'"[^"]*"|\S+', arguments)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_an_operator_is_added_by_its_recipe(copy):
    assert "ABS" not in ops.OPERATORS and set(ops.OPERATORS) > {"ADD"}
    follow(PAGE.read_text(), copy)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [("(x < 0) ? -x : x", "(x < 0) ? x : -x"), ('+    "ABS": "abs",\n', "")],
)
def test_a_wrong_recipe_fails(old, new, copy):
    text = PAGE.read_text()
    assert text.count(old) == 1
    with pytest.raises(AssertionError, match=r"values differ|ABS has no C99 kernel|arrays are not equal"):
        follow(text.replace(old, new), copy)


@pytest.mark.parametrize("name", sorted(ops.OPERATORS))
def test_every_operator_has_a_file_that_lowers_it(name):
    module = ops.operator_module(name)
    assert callable(module.lower) and Path(module.__file__).parent == Path(ops.__file__).parent


def test_the_template_itself_is_no_operator():
    with pytest.raises(InputError, match="TEMPLATE has no C99 kernel"):
        ops.operator_module("TEMPLATE")
    assert (Path(ops.__file__).parent / "TEMPLATE.py").is_file()
