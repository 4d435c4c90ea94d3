"""A library from an integer file for Arduino, ESP-IDF, Zephyr, CMake and others."""

import dataclasses
from pathlib import Path

from ecg_edge.api.c99_generation import (
    choose_hop,
    find_integer_file,
    name_output,
    read_beat_classifier,
    read_export,
    require_equal_answers,
)
from ecg_edge.zoo import find_model
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError, unknown_name
from firmware_bench.runtime.generated_folder import write_generated_folder


@dataclasses.dataclass(frozen=True)
class WrittenLibrary:
    """A library that was written.

    Attributes:
        folder: Where it is.
        prefix: What every name of the model begins with.
        tested: What ecg-edge's own tests do with libraries for the target.
        kept: The files that were left as they are, because they were changed since they were generated.
    """

    folder: Path
    prefix: str
    tested: str
    kept: tuple[str, ...]


def write_firmware_library(
    source: str | Path,
    target: str,
    sensor: Sensor | None,
    out: str | Path | None = None,
    prefix: str | None = None,
    hop_s: float | None = None,
) -> WrittenLibrary:
    """Write a library that goes from counts of a sensor to labels, with an example that replays a record.

    Args:
        source: An exported .tflite file, the name of a shipped model, or a run with one integer file in its export
            folder.
        target: "arduino", "platformio", "esp-idf", "zephyr", "cmake", "stm32-bare", "rp2040" or
            "cmsis-pack".
        sensor: What samples the signal.
        out: The folder to write; None: FILE-TARGET beside the file, of a shipped model in the working directory.
        prefix: The name of the library, with which every name of the model begins; None: that of the architecture.
        hop_s: Time from answer to answer, s; 0: a window; None: as `generate_c99`.

    Returns:
        Where it is, and what is tested of such libraries.

    Raises:
        InputError: There is no such file or target, no sensor, or no path from the sensor's counts to the model.
        AcceptanceError: The program does not compute what the file computes; nothing is written.

    Examples:
        >>> ecg_edge.write_firmware_library("runs/demo", "arduino", Sensor(360.0, (200.0,))).prefix
        'cnn_att_bilstm'
    """
    import importlib.metadata

    from export.firmware_targets import TARGETS, make_library

    if target not in TARGETS:
        raise unknown_name("target", target, TARGETS)
    if sensor is None:
        raise InputError("firmware takes counts of a sensor: add --counts-per-unit, such as 200 for 200 counts in 1 mV")
    path = find_integer_file(find_model(source))
    data = read_export(path)
    require_equal_answers(data)
    beats = read_beat_classifier(path, data)
    version = importlib.metadata.version("ecg-edge")
    try:
        library = make_library(data, path.stem, version, sensor, prefix, choose_hop(data, sensor, hop_s), beats)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    folder = Path(out) if out else name_output(path, target)
    files = {name: text.encode() for name, text in TARGETS[target].make(library).items()}
    kept = write_generated_folder(folder, files)
    return WrittenLibrary(folder, library.prefix, TARGETS[target].tested, kept)
