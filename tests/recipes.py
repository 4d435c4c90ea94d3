"""Follow a recipe of docs/contributing/ in a copy of the source tree.

These fenced code blocks of the page are its steps, from top to bottom; others illustrate:

    ```python title="path/of/file.py"    a new file
    ```diff title="path/of/file.py"      lines "+" to add behind, and "-" to remove beside, lines that the file has
    ```sh                                commands of the shell
    ```console                           commands after "$", then lines that their output must contain
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TREE = ("ecg_edge", "models_keras", "export", "firmware_bench", "tests", "docs", "setup.cfg", "pyproject.toml")
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def copy_tree(folder):
    """Copy what a recipe may touch or run into the new `folder`."""
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def follow(page, copy, **environment):
    """Follow the recipe `page` (relative to docs/contributing) in `copy`; `environment` is added for its commands.

    Fails where a file exists already, a diff does not fit, a command fails or prints something else.
    """
    blocks = BLOCK.findall((ROOT / "docs" / "contributing" / page).read_text(encoding="utf-8"))
    assert any(title for _, title, _ in blocks), f"{page} names no file to write"
    for language, title, body in blocks:
        if language == "console":
            run_console(body, copy, environment)
        elif language == "sh":
            subprocess.run(["sh", "-e", "-c", body], cwd=copy, check=True)
        elif language == "diff":
            apply_diff(copy / title, body)
        elif title:
            assert not (copy / title).exists(), f"{title} exists already"
            (copy / title).parent.mkdir(parents=True, exist_ok=True)
            (copy / title).write_text(body, encoding="utf-8")


def apply_diff(file, diff):
    """Change `file` by a diff without line numbers: its unchanged and removed lines must stand there exactly once."""
    lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has these lines {text.count(old)} times:\n{old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def run_console(text, folder, environment):
    """Run the commands of a console block in `folder`; each must succeed and print the lines below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *expected = part.strip().splitlines()
        output = run(shlex.split(command), folder, environment)
        for line in expected:
            assert " ".join(line.split()) in " ".join(output.split()), f"{command} does not print {line!r}:\n{output}"


def run(words, folder, environment):
    """Run a command of the source tree in `folder`; returns what it prints."""
    program, *arguments = words
    module = {"ecg-edge": ["-m", "ecg_edge"], "pytest": ["-m", "pytest", "-p", "no:cacheprovider"], "python": []}
    process = subprocess.run(
        [sys.executable, *module[program], *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    output = process.stdout + process.stderr
    assert process.returncode == 0, f"{' '.join(words)}: exit status {process.returncode}\n{output}"
    return output
