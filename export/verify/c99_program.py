"""Checks the generated C99 program against LiteRT's reference kernels, where TensorFlow Lite Micro is not installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from export.c99 import generate
from export.verify.acceptance import AcceptanceCheck
from firmware_bench.runtime.errors import InputError

NAME = "values in which the generated C99 program and LiteRT's reference kernels differ"
REMEDY = "use another C compiler (CC=…), or keep the file and report the model's operators"
TIMEOUT_S = 600


def check_c99_program(data: bytes) -> AcceptanceCheck:
    """Generates the C99 program of a file, compiles it, and compares its outputs with those of LiteRT.

    Args:
        data: An integer TFLite file; a step with its metadata.

    Returns:
        The check; not made where there is no C compiler or the file has no C99 form.
    """

    def result(measured, passed):
        return AcceptanceCheck(NAME, measured, "0", passed, REMEDY)

    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None or shutil.which("make") is None:
        return result("not made: no C compiler with make is installed here", None)
    with tempfile.TemporaryDirectory(prefix="ecg-edge-c99-") as folder:
        program = Path(folder, "program")
        try:
            generate(data, program)
        except InputError as error:
            return result(f"not made: {error}", None)
        ran = subprocess.run(
            ["make", "-s", "-C", str(program), f"CC={compiler}", "test"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
    lines = [line for line in ran.stdout.splitlines() if line.endswith("values differ")]
    if not lines:
        cause = (ran.stderr.strip().splitlines() or ["no message"])[0]
        return result(f"not made: the program does not compile: {cause}", None)
    return result(lines[-1].removesuffix(" values differ"), ran.returncode == 0)
