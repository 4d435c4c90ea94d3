"""A C99 program from an integer file: generate it, and measure what it takes on boards."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_edge.zoo import MODELS, find_model
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import AcceptanceError, InputError, ModelError

REFERENCE_CORE = "cortex-m4"
PLANNED = "estimated: planned, not linked"
MEASURED = "measured, Cortex-M4 with DSP in QEMU"
ESTIMATED_TIME = "estimated: instructions in QEMU × assumed cycles per instruction / clock, no wait states"
LONGEST_HOP_S = 3600.0
STACK_FACTOR = 4  # times the stack that was measured: interrupts and the application need some as well
DIFFERING = "the generated program differs from LiteRT in {} values, so no figure of it holds: report this file"


@dataclasses.dataclass(frozen=True)
class C99Program:
    """A generated program.

    Attributes:
        folder: Where it is: PREFIX.c, PREFIX.h, the kernels that they call, and a test.
        prefix: What every symbol, macro and file of the model begins with.
        static_ram: Part of the static RAM → planned bytes, "total" among them. From counts to labels it is the memory
            of one signal: networks, queue of samples, and what the path around the networks keeps.
        kept: The files that were left as they are, because they were changed since they were generated.
        missing: Why the program has no path from a sensor's counts to labels; "" where it has one.
    """

    folder: Path
    prefix: str
    static_ram: dict[str, int]
    kept: tuple[str, ...] = ()
    missing: str = ""


def generate_c99(
    source: str | Path,
    out: str | Path | None = None,
    prefix: str | None = None,
    sensor: Sensor | None = None,
    hop_s: float | None = None,
) -> C99Program:
    """Generate a C99 program from an integer file; of a model that takes features of beats, and the beat classifier's
    file beside it, two programs in one folder.

    Args:
        source: An exported .tflite file, the name of a shipped model, or a run with one integer file in its export
            folder.
        out: The folder to write; None: FILE-c99 beside the file, of a shipped model in the working directory.
        prefix: What every symbol, macro and file of the model begins with; None: the name of its architecture.
        sensor: What samples the signal: the program then goes from its counts to labels (PREFIX_app.h). None: the
            network alone.
        hop_s: Time from answer to answer, s; 0: a window. None: with a sensor 1 s, where the network can keep what it
            made of past samples; otherwise a window, or the step of a stream.

    Returns:
        The folder and its static RAM.

    Raises:
        InputError: There is no such file, it is no export, an operator has no C kernel, or there is no path from the
            sensor's counts to the model.
        AcceptanceError: The program does not compute what the file computes; nothing is written.

    Examples:
        >>> ecg_edge.generate_c99("runs/demo", out="firmware/model").static_ram["total"]
        21344
    """
    from export.c99 import generate

    path = find_integer_file(find_model(source))
    data = read_export(path)
    require_equal_answers(data)
    beats = read_beat_classifier(path, data)
    folder = Path(out) if out else name_output(path, "c99")
    try:
        hop_s = choose_hop(data, sensor, hop_s)
        program = generate(data, folder, prefix, title=path.stem, sensor=sensor, hop_s=hop_s, beats=beats)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    missing = "" if sensor else _explain_missing_path(data)
    return C99Program(folder, program.prefix, program.static_ram, program.kept, missing)


def choose_hop(data: bytes, sensor: Sensor | None, hop_s: float | None) -> float | None:
    """Return the time from answer to answer of a file's program, s; None: a window, or the step of a stream.

    Args:
        data: The file.
        sensor: What samples the signal, or None.
        hop_s: What the user wants; None: nothing special.

    Raises:
        InputError: `hop_s` is no time, or the model answers for whole windows alone.
    """
    from export.c99.continuous import find_default_hop
    from firmware_bench.front_end.window_score import is_reconstructing
    from firmware_bench.runtime.metadata_format import read_metadata

    metadata = read_metadata(data)
    if hop_s is None:
        whole = not sensor or metadata.window_preprocessing or is_reconstructing(metadata)
        return None if whole else find_default_hop(data)
    if hop_s and is_reconstructing(metadata):
        raise InputError("the model scores whole windows, not every hop: leave out --hop")
    if not 0 <= hop_s <= LONGEST_HOP_S:
        raise InputError(f"answers every {hop_s:g} s are not possible: 0 to {LONGEST_HOP_S:g} s")
    return hop_s or None


def _explain_missing_path(data: bytes) -> str:
    """Why the program of a file holds the network alone."""
    from firmware_bench.front_end.device_plan import plan_device
    from firmware_bench.runtime.metadata_format import read_metadata

    metadata = read_metadata(data)
    try:
        if metadata.embedder is None:
            plan_device(metadata, Sensor(None, (1.0,)))
    except InputError as error:
        return str(error)
    return "its counts are not known: add --counts-per-unit, and --sensor-rate where it differs from the model's"


def require_equal_answers(data: bytes) -> None:
    """Check, where there is a C compiler, that the program of a file computes what LiteRT's reference kernels compute.

    Args:
        data: The file.

    Raises:
        AcceptanceError: It does not.
    """
    from export.verify.c99_program import check_c99_program

    check = check_c99_program(data)
    if check.failed:
        raise AcceptanceError(DIFFERING.format(check.measured))


def read_beat_classifier(path: Path, data: bytes) -> bytes | None:
    """Read the file that `find_beat_file` finds, and check its program as `require_equal_answers` does."""
    found = find_beat_file(path, data)
    beats = read_export(found) if found else None
    if beats is not None:
        require_equal_answers(beats)
    return beats


def find_beat_file(path: Path, data: bytes) -> Path | None:
    """Find the beat classifier's file beside a model's file.

    Args:
        path: The model's file.
        data: Its bytes.

    Returns:
        The classifier's file; None where the model takes no features of beats.

    Raises:
        InputError: It is missing, or it is another one than the model was exported with.
    """
    from firmware_bench.runtime.metadata_format import find_metadata, read_metadata
    from firmware_bench.runtime.tflite_verifier import read_model_table

    try:
        metadata = find_metadata(read_model_table(data))
    except ModelError as error:
        raise InputError(f"{path}: {error}") from None
    if metadata is None or metadata.embedder is None:
        return None
    beats = path.parent / metadata.embedder.file
    if not beats.is_file():
        raise InputError(f"{path} takes the features of a beat classifier, and {beats.name} is not beside it")
    if read_metadata(read_export(beats)).digest != metadata.embedder.digest:
        raise InputError(f"{beats} is not the beat classifier that {path.name} was exported with: copy both files")
    return beats


def read_export(path: Path) -> bytes:
    """Read an exported file, and try it where it has not run here before.

    Args:
        path: The .tflite file.

    Returns:
        Its bytes.

    Raises:
        InputError: It cannot be read, or carries no metadata of ecg-edge.
    """
    from firmware_bench.model_trial import try_model
    from firmware_bench.runtime.metadata_format import read_metadata
    from firmware_bench.runtime.tflite_reader import read_model_file

    data = read_model_file(path)
    try:
        read_metadata(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    try_model(data, str(path))
    return data


def measure_program(data: bytes, boards: Sequence) -> dict[str, Any]:
    """Measure the program that is generated from a .tflite file.

    Args:
        data: The file.
        boards: The boards of firmware_bench to link it for.

    Returns:
        Plain data: planned static RAM and, where the Arm toolchain is installed, flash, RAM, instructions in QEMU and
        the fit on each board; "none" says why there is no program, or no measurement.

    Raises:
        AcceptanceError: The program does not compute what LiteRT's reference kernels compute.
    """
    from export.c99 import generate
    from export.c99.read_graph import read_graph
    from firmware_bench.mcu import qemu

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "program"
        try:
            report: dict[str, Any] = {"static_ram": {"bytes": generate(data, folder).memory.total, "label": PLANNED}}
        except InputError as error:
            return {"none": str(error)}
        if qemu.missing():
            require_equal_answers(data)
            return {**report, "none": f"not measured, {' and '.join(qemu.missing())} missing: {qemu.PACKAGES}"}
        with qemu.CortexProgram(folder, REFERENCE_CORE, profiled=True) as program:
            steps = program.profile()
        with qemu.CortexProgram(folder, REFERENCE_CORE) as program:
            measured = program.measure()
        if measured.differing:
            raise AcceptanceError(DIFFERING.format(f"{measured.differing:,}"))
        graph = read_graph(data)
        report |= {
            "core": REFERENCE_CORE,
            "label": MEASURED,
            "flash": {"code": measured.code, "weights": measured.weights},
            "ram": {"static": measured.static, "stack": measured.stack},
            "instructions": measured.instructions,
            "push": _describe_push(measured, graph.description.sampling_rate),
            "differing": measured.differing,
            "run": "step" if graph.streaming else "window",
            "profile": {
                "steps": steps,
                "operators": sum_by_operator(steps),
                "unit": "instructions",
                "label": MEASURED,
            },
        }
        fits = {}
        for core in sorted({board.processor.compiled_for for board in boards}):
            with qemu.CortexProgram(folder, core) as program:
                on_core = measured if core == REFERENCE_CORE else program.measure()
                for board in boards:
                    if board.processor.compiled_for == core:
                        missing = program.missing_bytes(board, STACK_FACTOR * measured.stack)
                        fits[board.name] = {
                            "missing": missing,
                            "fits": not any(missing.values()),
                            "time": estimate_time(board, on_core.instructions),
                            "push": estimate_time(board, on_core.dearest) if on_core.calls > 1 else None,
                        }
    report["boards"] = {board.name: fits[board.name] for board in boards}
    return report


def _describe_push(measured, fs: float) -> dict[str, Any] | None:
    """The call of push that takes most; None of a program that takes a window at once.

    Args:
        measured: CortexFigures of the program.
        fs: Sampling rate, Hz; 0 where the file does not state it.
    """
    if measured.calls == 1:
        return None
    return {
        "dearest": measured.dearest,
        "mean": round(measured.mean, 1),
        "ratio": round(measured.dearest / measured.mean, 1),
        "unit": "instructions",
        "sample_ms": round(1000 / fs, 3) if fs else None,
        "label": MEASURED,
    }


def sum_by_operator(steps: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Sum the instructions of a program's steps by operator.

    Args:
        steps: Step, an operator and its number → instructions.

    Returns:
        Operator → (number of its steps, their instructions), the costliest first.
    """
    sums: dict[str, tuple[int, int]] = {}
    for step, instructions in steps.items():
        name = step.rstrip("0123456789")
        count, total = sums.get(name, (0, 0))
        sums[name] = count + 1, total + instructions
    return dict(sorted(sums.items(), key=lambda entry: -entry[1][1]))


def estimate_time(board, instructions: int) -> dict[str, Any] | None:
    """Estimate how long a board takes for a number of instructions; None for a core that is not compiled for."""
    cpi = board.processor.cpi
    return cpi and {
        "milliseconds": board.milliseconds(instructions),
        "instructions": instructions,
        "cycles_per_instruction": cpi,
        "clock": board.clock,
        "label": ESTIMATED_TIME,
    }


def name_output(path: Path, kind: str) -> Path:
    """Return the folder FILE-kind beside a file; of a shipped model, in the working directory."""
    name = f"{path.stem}-{kind}"
    return Path(name) if path.parent == MODELS else path.with_name(name)


def find_integer_file(source: Path) -> Path:
    """Return `source`, or the only integer file of the run `source`. Raises InputError: it has none, or several."""
    if not source.is_dir():
        return source
    exported = source / "export"
    found = sorted(exported.glob("*-int8.tflite")) or sorted(exported.glob("*-streaming.tflite"))
    if len(found) != 1:
        raise InputError(f"{source}/export has {len(found)} integer files: ecg-edge export {source} makes one")
    return found[0]
