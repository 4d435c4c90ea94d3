"""ecg-edge export --c99: a plain C99 program from an integer file."""

from pathlib import Path

from ecg_edge.cli import console
from ecg_edge.errors import InputError


def write(source: Path, out: Path | None) -> None:
    """Turns the integer file of a run, or the .tflite file `source` itself, into a folder of C99."""
    from export.c99.program import generate
    from firmware_bench.bench_rpi import ModelError, read_metadata

    path = source
    if source.is_dir():
        found = sorted((source / "export").glob("*-int8.tflite"))
        if len(found) != 1:
            raise InputError(
                f"{source}/export has {len(found)} integer files: ecg-edge export {source} --int8 makes one"
            )
        (path,) = found
    try:
        data = path.read_bytes()
        read_metadata(data)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ModelError as error:
        raise InputError(f"{path}: {error}") from None
    folder = out or path.with_name(f"{path.stem}-c99")
    try:
        memory = generate(data, folder, path.stem)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    console.table(
        f"static RAM of {folder.name}",
        ["part", "bytes", "label"],
        [
            [part, f"{getattr(memory, part):,}", "planned"]
            for part in ("arena", "window", "state", "sums", "counters", "pointers", "total")
        ],
    )
    console.say(f"{folder}: model.c, model.h, the kernels that they call, and a test")
    console.say(f"next: make -C {folder} test")
