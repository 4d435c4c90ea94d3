"""ecg-edge mcu: the memory that an exported file takes on a microcontroller."""

import dataclasses
import shutil
from collections import Counter
from pathlib import Path

import click

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError, unknown_name

ESTIMATE = "estimated: the interpreter's code, its stack and the application are not counted"


@click.command()
@click.argument("file", metavar="FILE.tflite", type=click.Path(path_type=Path))
@click.option("--board", metavar="NAME", help="One board, such as nRF52840 or STM32H743. Without it: all.")
@click.option("--firmware", type=click.Path(path_type=Path), metavar="DIR", help="Write firmware for --board instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(file, board, firmware, as_json):
    """Report the memory that an exported file takes on a microcontroller.

    TensorFlow Lite Micro runs here, on a 64-bit machine, and tells its tensor arena; flash holds the whole file. The
    C99 program that --c99 would generate is planned, and, where the Arm toolchain is installed, built, linked for each
    board and run in QEMU, which counts instructions. Where ethos-u-vela is installed, it estimates two Ethos-U.

    \b
    Examples:
      ecg-edge mcu RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge mcu model.tflite --board nRF52840
      ecg-edge mcu model.tflite --board nRF52840 --firmware firmware
      ecg-edge mcu model.tflite --json
    """
    from ecg_edge.cli import c99
    from firmware_bench import tflm
    from firmware_bench.boards import BOARDS
    from firmware_bench.runtime.errors import ModelError
    from firmware_bench.runtime.metadata import read_metadata

    boards = list(BOARDS.values())
    if board:
        boards = [candidate for candidate in boards if candidate.name.lower() == board.lower()]
        if not boards:
            raise unknown_name("board", board, BOARDS)
    try:
        data = file.read_bytes()
        metadata = read_metadata(data)
        if any(tensor["dtype"].startswith("float") for tensor in metadata.get("inputs", ())):
            raise InputError(f"{file}: calculates in float; a microcontroller wants ecg-edge export RUN --int8")
        if firmware:
            return write_firmware(file, data, metadata, board and boards[0], firmware)
        weights, arena = tflm.weights(data), tflm.arena(data)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except ModelError as error:
        raise InputError(f"{file}: {error}") from None

    report = {
        "file": file.name,
        "arena": {"total": arena.total, "head": arena.head, "tail": arena.tail, "unit": "bytes", "label": arena.label},
        "flash": {"weights": weights, "file": len(data), "unit": "bytes", "label": "measured"},
        "boards": {each.name: fit(each, len(data), arena.total) for each in boards},
        "c99": c99.report(data, boards),
        "ethos_u": ethos_u(data),
    }
    if as_json:
        console.print_json(report)
    else:
        show(report)
        c99.show(report["c99"])
        show_ethos_u(report["ethos_u"])
    console.say(f"next: ecg-edge predict {file} RECORD")


def write_firmware(file, data, metadata, board, folder) -> None:
    """The folder of firmware of a file for one board, whole or not at all."""
    from export.c99 import generate
    from firmware_bench import firmware
    from firmware_bench.runtime.files import atomic_write

    if board is None:
        raise InputError(f"--firmware needs one --board: there is firmware for {', '.join(firmware.TARGETS)}")
    if folder.exists() and not firmware.replaceable(folder):
        raise InputError(f"{folder} exists and is no firmware: choose another folder, or remove it")
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        generate(data, temporary / "model", file.stem)
        firmware.write(temporary, board, windows_for_a_host(metadata))
        if folder.exists():
            shutil.rmtree(folder)
    console.say(f"{folder}: the model, the application, the memory of {board.name}, a Makefile; not tried on hardware")
    console.say(f"next: make -C {folder}")


def windows_for_a_host(metadata) -> bytes:
    """The inputs of the reference vectors; for a stream, whose program keeps its states itself, a recording as long as
    the application takes at a time."""
    from export.c99.recording import ANSWERS
    from firmware_bench.runtime.reference_vector import make_reference_inputs

    if stream := metadata.get("streaming"):
        kept = {"valid", "share", *stream["states"]}
        (signal,) = (tensor for tensor in metadata["inputs"] if tensor["name"] not in kept)
        shape = [1, (stream["delay"] + ANSWERS) * stream["step"], signal["shape"][-1]]
        metadata = {**metadata, "inputs": [{**signal, "shape": shape}]}
    return b"".join(array.tobytes() for arrays in make_reference_inputs(metadata) for array in arrays)


def ethos_u(data: bytes) -> dict:
    """What vela estimates of the file, by processor; "none" says why there is no estimate."""
    from firmware_bench import vela
    from firmware_bench.runtime.errors import ModelError

    found = {}
    for processor in vela.PROCESSORS:
        try:
            figures = vela.estimate(data, processor)
        except ModelError as error:
            return {"none": str(error)}
        found[processor.name] = {
            **dataclasses.asdict(figures),
            "milliseconds": figures.cycles / figures.clock * 1000,
            "system": f"{processor.configuration}, {processor.memory}",
            "label": figures.label,
        }
    return found


def show_ethos_u(found: dict) -> None:
    """The estimates as a table."""
    from ecg_edge.cli import c99

    if "none" in found:
        return print(f"Ethos-U: no estimate, {found['none']}")
    console.table(
        "Ethos-U beside the core, estimated by ethos-u-vela, not measured",
        ["processor", "cycles", "clock", "time", "SRAM", "flash", "left to the core, not counted"],
        [
            [
                name,
                f"{row['cycles']:,}",
                f"{row['clock'] / 1e6:g} MHz",
                f"about {c99.milliseconds(row['milliseconds'])}, estimated",
                f"{row['sram']:,}",
                f"{row['flash']:,}",
                ", ".join(f"{count} × {kind}" for kind, count in Counter(row["fallback"]).items()) or "nothing",
            ]
            for name, row in found.items()
        ],
    )


def fit(board, flash: int, arena: int) -> dict:
    """Whether `flash` bytes of model and `arena` bytes in one piece find room on the board, and what is over."""
    missing = {"flash": flash - board.flash, "RAM": arena - board.block}
    over = [f"{bytes_:,} bytes of {what} missing" for what, bytes_ in missing.items() if bytes_ > 0]
    return {
        "core": board.core,
        "flash": board.flash,
        "ram": board.ram,
        "largest_ram_block": board.block,
        "flash_share": round(flash / board.flash, 4),
        "ram_share": round(arena / board.block, 4),
        "fits": not over,
        "verdict": ", ".join(over) or "fits",
        "label": ESTIMATE,
    }


def show(report) -> None:
    """Tables of the file's own figures and of the boards."""
    arena, flash = report["arena"], report["flash"]
    console.table(
        f"{report['file']} in TensorFlow Lite Micro",
        ["memory", "bytes", "label"],
        [
            ["tensor arena", f"{arena['total']:,}", arena["label"]],
            ["  head: activations", f"{arena['head']:,}", arena["label"]],
            ["  tail: kept by the interpreter", f"{arena['tail']:,}", arena["label"]],
            ["flash of the weights", f"{flash['weights']:,}", flash["label"]],
            ["flash of the whole file", f"{flash['file']:,}", flash["label"]],
        ],
    )
    console.table(
        "Whole file against flash, arena against the largest block of RAM",
        ["board", "core", "flash", "used", "RAM", "largest block", "used", "verdict"],
        [
            [
                name,
                row["core"],
                f"{row['flash']:,}",
                f"{row['flash_share']:.0%}",
                f"{row['ram']:,}",
                f"{row['largest_ram_block']:,}",
                f"{row['ram_share']:.0%}",
                row["verdict"],
            ]
            for name, row in report["boards"].items()
        ],
    )
    print(f"The fit is {ESTIMATE}.")
