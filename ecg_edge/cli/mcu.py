"""ecg-edge mcu: the memory that an exported file takes on a microcontroller."""

from pathlib import Path

import click

from ecg_edge.cli import console
from ecg_edge.errors import InputError, unknown

ESTIMATE = "estimated: the interpreter's code, its stack and the application are not counted"


@click.command()
@click.argument("file", metavar="FILE.tflite", type=click.Path(path_type=Path))
@click.option("--board", metavar="NAME", help="One board, such as nRF52840 or STM32H743. Without it: all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(file, board, as_json):
    """Report the memory that an exported file takes on a microcontroller.

    TensorFlow Lite Micro runs here, on a 64-bit machine, and tells its tensor arena; flash holds the whole file. The
    C99 program that --c99 would generate is planned, and, where the Arm toolchain is installed, built, linked for each
    board and run in QEMU, which counts instructions.

    \b
    Examples:
      ecg-edge mcu RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge mcu model.tflite --board nRF52840
      ecg-edge mcu model.tflite --json
    """
    from ecg_edge.cli import c99
    from firmware_bench import tflm
    from firmware_bench.bench_rpi import ModelError
    from firmware_bench.boards import BOARDS

    boards = list(BOARDS.values())
    if board:
        boards = [candidate for candidate in boards if candidate.name.lower() == board.lower()]
        if not boards:
            raise unknown("board", board, BOARDS)
    try:
        data = file.read_bytes()
        if any(tensor["dtype"].startswith("float") for tensor in of_ours(data).get("inputs", ())):
            raise InputError(f"{file}: calculates in float; a microcontroller wants ecg-edge export RUN --int8")
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
    }
    if as_json:
        console.print_json(report)
    else:
        show(report)
        c99.show(report["c99"])
    console.say(f"next: ecg-edge predict {file} RECORD")


def of_ours(data: bytes) -> dict:
    """What an exported file says of itself; {} for a file of somebody else."""
    from firmware_bench.bench_rpi import ModelError, read_metadata

    try:
        return read_metadata(data)
    except ModelError:
        return {}


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
