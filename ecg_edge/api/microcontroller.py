"""The memory that an exported file takes on a microcontroller, and firmware for a board."""

import dataclasses
from pathlib import Path
from typing import Any

from ecg_edge.api.c99_generation import find_beat_file, measure_program, read_export, require_equal_answers
from ecg_edge.api.device_cost import measure_path
from ecg_edge.extras import is_installed
from ecg_edge.run_folder import find_run_folder
from ecg_edge.zoo import find_model
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError, ModelError, unknown_name
from firmware_bench.runtime.files import write_json
from firmware_bench.runtime.generated_folder import write_generated_folder

ESTIMATED_FIT = "estimated: the interpreter's code, its stack and the application are not counted"


@dataclasses.dataclass(frozen=True)
class Firmware:
    """Firmware that was written.

    Attributes:
        board: The board's name.
        kept: The files that were left as they are, because they were changed since they were generated.
    """

    board: str
    kept: tuple[str, ...]


def plan_microcontroller(
    file: str | Path,
    board: str | None = None,
    sensor: Sensor | None = None,
    hop_s: float | None = None,
    battery_mah: float = 200.0,
) -> dict[str, Any]:
    """Report the memory that an exported file takes on a microcontroller.

    TensorFlow Lite Micro, where it is installed, runs here and reports its tensor arena; flash holds the file.
    The generated C99 program is planned and, where the Arm toolchain is installed, linked for each board and run in
    QEMU.
    Where ethos-u-vela is installed, it estimates two Ethos-U.
    A report on all boards for a file in a run's export folder also stays with the run, as mcu-FILE.json.

    Args:
        file: The exported .tflite file, or the name of a shipped model.
        board: One board by name, in any case; None: all.
        sensor: What samples the signal: then the path from its counts to labels is measured as well.
        hop_s: Time from answer to answer on that path, s, as for `generate_c99`.
        battery_mah: Charge of a battery, mAh, for which hours are estimated.

    Returns:
        Plain data: "arena" and "flash" in bytes, "boards" with the fit on each, "c99" and "ethos_u", and with a sensor
        "path". Where something
        cannot be measured or estimated here, "none" says why. Of a model that takes features of beats also
        "beat_classifier", the report of the classifier's file beside it, and "both", the sums.

    Raises:
        InputError: There is no such file or board, or the file computes in float.
        AcceptanceError: The program does not compute what the file computes.

    Examples:
        >>> plan = ecg_edge.plan_microcontroller("model.tflite", board="nRF52840")
        >>> plan["arena"]["total"], plan["boards"]["nRF52840"]["verdict"]
        (38912, 'fits')
    """
    from firmware_bench.mcu import tflm

    path = find_model(file)
    boards = _select_boards(board)
    data = _read_integer_file(path)
    try:
        weights, arena = tflm.measure_constants(data), _measure_arena(data)
    except ModelError as error:
        raise InputError(f"{path}: {error}") from None
    beats = find_beat_file(path, data)
    report: dict[str, Any] = {
        "file": path.name,
        "arena": arena,
        "flash": {"weights": weights, "file": len(data), "unit": "bytes", "label": "measured"},
        "boards": {each.name: check_fit(each, len(data), arena.get("total")) for each in boards},
        "c99": measure_program(data, boards),
        "ethos_u": estimate_ethos_u(data),
    }
    if sensor:
        classifier_data = None if beats is None else read_export(beats)
        report["path"] = measure_path(data, sensor, hop_s, boards, battery_mah, classifier_data)
    if beats is not None:
        classifier = plan_microcontroller(beats, board)
        report["beat_classifier"] = classifier
        report["both"] = _sum_plans(report, classifier, boards)
    if board is None and (run := find_run_folder(path)):
        write_json(run / f"mcu-{path.stem}.json", report)
    return report


def _sum_plans(model: dict[str, Any], classifier: dict[str, Any], boards: list) -> dict[str, Any]:
    """Sum what a model and its beat classifier take, where each has an arena of its own."""
    flash = sum(plan["flash"]["file"] for plan in (model, classifier))
    arenas = [plan["arena"].get("total") for plan in (model, classifier)]
    arena = None if None in arenas else sum(arenas)
    rams = [plan["c99"].get("static_ram", {}).get("bytes") for plan in (model, classifier)]
    return {
        "flash": flash,
        "arena": arena,
        "c99_static_ram": None if None in rams else sum(rams),
        "unit": "bytes",
        "label": "sum of the two files, an arena for each",
        "boards": {each.name: check_fit(each, flash, arena) for each in boards},
    }


def check_fit(board, flash: int, arena: int | None) -> dict[str, Any]:
    """Check whether a model fits on a board.

    Args:
        board: A board of firmware_bench.mcu.boards.
        flash: Size of the model, bytes.
        arena: Size of the tensor arena, bytes in one piece; None: not measured.

    Returns:
        The board's memory, the shares used, whether it fits (None: unknown) and what is missing.
    """
    missing = {"flash": flash - board.flash, "RAM": 0 if arena is None else arena - board.block}
    over = [f"{bytes_:,} bytes of {what} missing" for what, bytes_ in missing.items() if bytes_ > 0]
    return {
        "core": board.core,
        "flash": board.flash,
        "ram": board.ram,
        "largest_ram_block": board.block,
        "flash_share": round(flash / board.flash, 4),
        "ram_share": None if arena is None else round(arena / board.block, 4),
        "fits": None if arena is None and not over else not over,
        "verdict": ", ".join(over) or ("fits" if arena is not None else "flash fits, RAM not measured"),
        "label": ESTIMATED_FIT,
    }


def _measure_arena(data: bytes) -> dict[str, Any]:
    """Measure the tensor arena; "none" says why it is not measured where TensorFlow Lite Micro is not installed."""
    from firmware_bench.mcu import tflm

    try:
        arena = tflm.measure_arena(data)
    except ModelError as error:
        if is_installed("tflite_micro"):
            raise
        return {"none": str(error)}
    return {"total": arena.total, "head": arena.head, "tail": arena.tail, "unit": "bytes", "label": arena.label}


def estimate_ethos_u(data: bytes) -> dict[str, Any]:
    """Return what vela estimates of a .tflite file, by processor; "none" says why there is no estimate."""
    from firmware_bench.mcu import vela

    estimates = {}
    for processor in vela.PROCESSORS:
        try:
            figures = vela.estimate(data, processor)
        except ModelError as error:
            return {"none": str(error)}
        estimates[processor.name] = {
            **dataclasses.asdict(figures),
            "milliseconds": figures.cycles / figures.clock * 1000,
            "system": f"{processor.configuration}, {processor.memory}",
            "label": figures.label,
        }
    return estimates


def write_firmware(file: str | Path, board: str | None, folder: str | Path) -> Firmware:
    """Write firmware of an exported file for a board: model, application, memory map, Makefile.

    Args:
        file: The exported .tflite file, or the name of a shipped model.
        board: Name of the board, in any case.
        folder: The folder to write; earlier firmware there is replaced, but for files that were changed since.

    Returns:
        The board's name, and the files that were left as they are.

    Raises:
        InputError: There is no such file, it takes features of beats, there is no firmware for the board, or `folder`
            holds something else.
        AcceptanceError: The program does not compute what the file computes; nothing is written.

    Examples:
        >>> ecg_edge.write_firmware("model.tflite", "nrf52840", "firmware").board
        'nRF52840'
    """
    from export.c99.generator import generate_files
    from firmware_bench.mcu import board_firmware

    path, target = find_model(file), Path(folder)
    boards = _select_boards(board)
    data = _read_integer_file(path)
    if find_beat_file(path, data) is not None:
        raise InputError(
            f"{path} and its beat classifier are one program, which is not timed with a window: "
            "ecg-edge firmware FILE --target stm32-bare, or another target, writes it"
        )
    if board is None:
        raise InputError(
            f"firmware is for one board: there is firmware for {', '.join(board_firmware.supported_boards())}"
        )
    require_equal_answers(data)
    model = {f"model/{name}": text.encode() for name, text in generate_files(data, title=path.stem).texts.items()}
    kept = write_generated_folder(target, {**board_firmware.make_files(boards[0], _host_windows(data)), **model})
    return Firmware(boards[0].name, kept)


def _select_boards(name: str | None) -> list:
    """Return the board called `name`, or all."""
    from firmware_bench.mcu.boards import BOARDS

    if name is None:
        return list(BOARDS.values())
    found = [board for board in BOARDS.values() if board.name.lower() == name.lower()]
    if not found:
        raise unknown_name("board", name, BOARDS)
    return found


def _read_integer_file(path: Path) -> bytes:
    from firmware_bench.runtime.metadata_format import read_metadata

    data = read_export(path)
    if any(tensor.dtype.startswith("float") for tensor in read_metadata(data).inputs):
        raise InputError(f"{path}: computes in float; a microcontroller needs ecg-edge export RUN")
    return data


def _host_windows(data: bytes) -> bytes:
    """Return the inputs that a host sends to the firmware: those of the program's test, windows or recordings."""
    from export.c99.lower import lower
    from export.c99.read_graph import read_graph
    from export.c99.test_inputs import choose_test_inputs

    inputs = choose_test_inputs(lower(read_graph(data)))
    return b"".join(array.tobytes() for arrays in inputs.make() for array in arrays)
