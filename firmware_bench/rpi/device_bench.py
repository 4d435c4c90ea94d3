"""bench_rpi on a device: on this machine (LocalDevice) or on another one over ssh (RemoteDevice)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firmware_bench.bench_rpi import write_bundle
from firmware_bench.rpi.device_report import MAX_REPORT_BYTES, check_results, read_outputs, read_report
from firmware_bench.rpi.local_device import LocalDevice
from firmware_bench.rpi.remote_device import RemoteDevice
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import Tensor

BENCH_PROGRAM = "bench_rpi.pyz"  # its name on the device


def run_benchmark(
    device: LocalDevice | RemoteDevice,
    python: str,
    files: Sequence[Path],
    threads: Sequence[int],
    windows: int,
    rounds: int,
) -> dict:
    """Measure models on a device.

    Args:
        device: The device, within its `with` block.
        python: The path of a Python there, as `prepare_python` returns it.
        files: The .tflite files, here.
        threads: Numbers of threads of the runtime.
        windows: Windows to time of each model and number of threads.
        rounds: Processes to spread them over.

    Returns:
        The report of `measurement.measure_models`, its results in the order of the files and then of the threads. A
        result's "file" is the file's name, or its path where two files have the same name.

    Raises:
        InputError: A file is missing or cannot be measured there.
    """
    names = _copy_to_device(device, files)
    command = [python, BENCH_PROGRAM, *names, "--threads", ",".join(map(str, threads)), "--windows", windows]
    try:
        device.run([*command, "--rounds", rounds, "--out", "report.json"])
    except InputError as error:
        raise InputError(_restore_paths(str(error), names, files)) from None
    with tempfile.TemporaryDirectory() as folder:
        device.get("report.json", Path(folder, "report.json"), MAX_REPORT_BYTES)
        try:
            report = read_report(Path(folder, "report.json"))
            check_results(report, len(files), threads)
        except InputError as error:
            raise InputError(f"{device.host}: {str(error).replace(folder + '/', '')}") from None
    plain = [path.name for path in files]
    for number, result in enumerate(report["results"]):
        path = files[number // len(threads)]
        result["file"] = path.name if plain.count(path.name) == 1 else str(path)
    return report


def run_windows(
    device: LocalDevice | RemoteDevice,
    python: str,
    number: int,
    file: Path,
    inputs: Sequence[np.ndarray],
    outputs: Sequence[Tensor],
) -> list[np.ndarray]:
    """Run a model on a device on given windows.

    Args:
        device: The device, on which `run_benchmark` has run.
        python: The path of a Python there.
        number: The position of the model in the files of `run_benchmark`.
        file: The .tflite file, here, for error messages.
        inputs: Raw values per input, (n, …) of the input's type.
        outputs: The outputs of the model.

    Returns:
        Raw values per output, (n, …) of the output's type.

    Raises:
        InputError: The model cannot be run there.
    """
    name = f"{number}/{file.name}"
    with tempfile.TemporaryDirectory() as folder:
        windows, answer = Path(folder, "windows.npz"), Path(folder, "outputs.npz")
        columns = {f"input_{i}": array for i, array in enumerate(inputs)}
        np.savez(windows, **columns)  # pyright: ignore[reportArgumentType] - numpy types the arrays by name as bool
        device.put({f"{number}/windows.npz": windows})
        command = [python, BENCH_PROGRAM, name, "--outputs-for", f"{number}/windows.npz"]
        try:
            device.run([*command, "--out", f"{number}/outputs.npz"])
        except InputError as error:
            raise InputError(_restore_paths(str(error), [name], [file])) from None
        forms = [((len(inputs[0]), *tensor.shape[1:]), np.dtype(tensor.dtype)) for tensor in outputs]
        size = sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in forms)
        device.get(f"{number}/outputs.npz", answer, 2 * size + 100_000)
        try:
            return read_outputs(answer, forms)
        except InputError as error:
            raise InputError(f"{device.host}: {error}") from None


def _copy_to_device(device, files):
    """Copy the program and the models into the device's folder; returns the models' names there."""
    for path in files:
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
    names = [f"{number}/{path.name}" for number, path in enumerate(files)]
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder, BENCH_PROGRAM))
        device.put({BENCH_PROGRAM: Path(folder, BENCH_PROGRAM), **dict(zip(names, files, strict=True))})
    return names


def _restore_paths(message, names, files):
    """A message of the device with the files' paths here in the place of their names there."""
    for name, path in zip(names, files, strict=True):
        message = message.replace(name, str(path))
    return message
