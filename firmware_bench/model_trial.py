"""The first run of a model file from somewhere, in a process of its own.

tflite_verifier.py finds what can be told from the file. What cannot, such as how large a tensor becomes, is tried: a
child process with limits of time and memory loads the file and runs it once. A file that passed, by its digest and the
runtime's version, is remembered in the user's cache and not tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.paths import cache_folder
from firmware_bench.runtime.pip_command import advise_pip
from firmware_bench.runtime.tflite_model import TFLiteModel, load_runtime
from firmware_bench.runtime.tflite_verifier import read_model_table

CPU_SECONDS = 20  # the largest of the architectures takes 1 s of a PC for a window, 10 of a Raspberry Pi 3
WALL_SECONDS = 180.0
ADDRESS_BYTES = 6 << 30  # the runtime reserves more than it touches


def try_model(data: bytes, name: str) -> None:
    """Run a model once in a child process, unless the same file ran here before.

    Args:
        data: The bytes of the file.
        name: What errors call it.

    Raises:
        ModelError: It is damaged, or the runtime refuses it, crashes, or takes more than the limits.
    """
    try:
        read_model_table(data)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None
    mark = _mark(data)
    if mark.exists():
        return
    with tempfile.TemporaryDirectory(prefix="ecg-edge-trial-") as folder:
        Path(folder, "model.tflite").write_bytes(data)
        child = [sys.executable, str(program_path()), str(Path(folder, "model.tflite")), "--trial"]
        try:
            ran = subprocess.run(
                child, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=WALL_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise ModelError(f"{name}: it does not end: it was stopped after {WALL_SECONDS:g} s") from None
    if ran.returncode == 2:
        lines = ran.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ModelError(f"{name}: {lines[-1].replace('error: ', '', 1).replace(f'{folder}/model.tflite: ', '')[:500]}")
    if ran.returncode:
        how = f"signal {-ran.returncode}" if ran.returncode < 0 else f"exit status {ran.returncode}"
        raise ModelError(
            f"{name}: {load_runtime().version} crashes on it ({how}), or it takes more than {CPU_SECONDS} s or "
            f"{ADDRESS_BYTES / 2**30:g} GiB: export it again, or {advise_pip('ai-edge-litert')}"
        )
    remember_model(data)


def remember_model(data: bytes) -> None:
    """Remember that a file ran here, so that it is not tried; nothing where the cache cannot be written."""
    mark = _mark(data)
    with contextlib.suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _mark(data):
    digest = hashlib.sha256(data + load_runtime().version.encode()).hexdigest()
    return cache_folder() / "models" / digest


def program_path() -> Path:
    """Return what a new Python process has to execute to run bench_rpi: the archive that this is in, or the file."""
    package = Path(__file__).parent
    return package.parent if package.parent.is_file() else package / "bench_rpi.py"


def run_trial(path: str) -> None:
    """Load a file and run it once on silence, within the limits; the child process of `try_model`.

    Raises:
        ModelError: The file is damaged, or the runtime refuses it.
    """
    import numpy as np

    load_runtime()
    _limit_resources()
    for kernels in ("optimised", "reference"):
        try:
            model = TFLiteModel(path, kernels=kernels)
            model.run_raw([np.full(tensor.shape, tensor.zero_point, tensor.dtype) for tensor in model.inputs])
        except ModelError:
            if kernels == "optimised":  # what only the other kernels refuse is reported where they are used
                raise


def _limit_resources():
    try:
        import resource
    except ImportError:  # Windows has the limit of wall time alone
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    with contextlib.suppress(OSError, ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
