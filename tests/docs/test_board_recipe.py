"""docs/contributing/board.md, followed step by step in a copy of firmware_bench."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_models import convolutional

from firmware_bench.mcu import qemu

ROOT = Path(__file__).resolve().parents[2]
END_OF_TABLE = ")  # fmt: skip\n"


def code_for(path: str) -> str:
    """The code that the recipe adds to a file."""
    page = (ROOT / "docs" / "contributing" / "board.md").read_text(encoding="utf-8")
    (code,) = re.findall(rf'^```python title="{re.escape(path)}"\n(.*?)^```', page, re.DOTALL | re.MULTILINE)
    return code


@pytest.fixture
def copy(tmp_path):
    """A copy of firmware_bench and of the boards' test, with the code of the recipe."""
    shutil.copytree(ROOT / "firmware_bench", tmp_path / "firmware_bench", ignore=shutil.ignore_patterns("__pycache__"))
    boards = tmp_path / "firmware_bench" / "mcu" / "boards.py"
    before, end, after = boards.read_text(encoding="utf-8").partition(END_OF_TABLE)
    boards.write_text(before + code_for("firmware_bench/mcu/boards.py") + end + after, encoding="utf-8")
    test = "tests/firmware_bench/mcu/test_boards.py"
    text = (ROOT / test).read_text(encoding="utf-8") + "\n\n" + code_for(test)
    (tmp_path / "test_boards.py").write_text(text, encoding="utf-8")
    return tmp_path


def run(copy, *words) -> str:
    """Runs Python with the copy before the source tree; its standard output."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(copy), str(ROOT)])}
    done = subprocess.run([sys.executable, "-P", *words], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_s_test_passes(copy):
    passed = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "stm32f446", "test_boards.py")
    assert "1 passed" in passed


@pytest.mark.slow
def test_the_board_is_reported_and_its_firmware_is_linked(copy):
    (copy / "model.tflite").write_bytes(convolutional())
    report = json.loads(run(copy, "-m", "ecg_edge", "mcu", "model.tflite", "--board", "STM32F446", "--json"))
    assert report["boards"]["STM32F446"]["fits"]
    run(copy, "-m", "ecg_edge", "mcu", "model.tflite", "--board", "STM32F446", "--firmware", "firmware/f446")
    memory = (copy / "firmware" / "f446" / "memory.ld").read_text()
    assert "ORIGIN = 0x08000000, LENGTH = 524288" in memory and "ORIGIN = 0x20000000, LENGTH = 131072" in memory
    if not qemu.missing() and shutil.which("make"):
        subprocess.run(["make", "-s", "-C", copy / "firmware" / "f446"], check=True, capture_output=True)
        assert (copy / "firmware" / "f446" / "semihosting.bin").stat().st_size > 1000
