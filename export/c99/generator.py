"""The folder of a generated program: the model's source and header, the kernels that it calls, and a test."""

import dataclasses
import re
from pathlib import Path

from export.c99.beat_pair import plan_pair
from export.c99.c_text import for_bits
from export.c99.continuous import make_continuous
from export.c99.emit_app import emit_app
from export.c99.emit_beat_app import KERNELS as BEAT_KERNELS
from export.c99.emit_beat_app import emit_beat_app
from export.c99.emit_beat_replay import emit_beat_replay
from export.c99.emit_header import emit_header
from export.c99.emit_pair import emit_pair, extend_makefile
from export.c99.emit_readme import emit_makefile, emit_readme
from export.c99.emit_replay import emit_replay
from export.c99.emit_score import KERNEL as SCORE_KERNEL
from export.c99.emit_source import emit_source, included_kernels
from export.c99.emit_test import emit_test_vector
from export.c99.lower import lower
from export.c99.memory_plan import MemoryPlan, plan_memory
from export.c99.names import check_prefix, default_prefix
from export.c99.read_graph import read_graph
from export.c99.reference_kernels import check_shapes
from export.c99.schedule import schedule_steps
from export.c99.struct_size import measure_struct
from firmware_bench.front_end.beat_plan import HOP_S
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.front_end.window_score import is_reconstructing
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.generated_folder import write_generated_folder
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.metadata_format import find_metadata
from firmware_bench.runtime.tflite_verifier import read_model_table

KERNELS = Path(__file__).parent / "kernels"
TEST_SOURCES = ("test.c", "test_signal.h", "test_trace.h")


@dataclasses.dataclass(frozen=True)
class GeneratedProgram:
    """The result of `generate`.

    Attributes:
        folder: The folder that holds the program.
        prefix: What every symbol, macro and file of the model begins with: `folder/{prefix}.h` declares its functions.
        files: The names of the files.
        kept: Those of them that were left as they are, because they were changed since they were generated.
        memory: The static RAM of the network, of a pair of the model that takes features: `memory.total` and its parts.
        static_ram: Part of the whole program's static RAM → bytes, "total" among them.
    """

    folder: Path
    prefix: str
    files: tuple[str, ...]
    kept: tuple[str, ...]
    memory: MemoryPlan
    static_ram: dict[str, int]


@dataclasses.dataclass(frozen=True)
class ProgramFiles:
    """A program as texts by file name, its prefix, and the static RAM that was planned: of the network, and of all."""

    prefix: str
    texts: dict[str, str]
    memory: MemoryPlan
    static_ram: dict[str, int]


def generate(
    data: bytes,
    folder: Path | str,
    prefix: str | None = None,
    title: str | None = None,
    sensor: Sensor | None = None,
    hop_s: float | None = None,
    beats: bytes | None = None,
) -> GeneratedProgram:
    """Generate a C99 program from an integer .tflite file.

    Args:
        data: The .tflite file; all activations int8, or all int16.
        folder: The folder to write. An earlier program there is replaced, but for files that were changed since.
        prefix: What every symbol, macro and file of the model begins with, so that several models link into one
            firmware: lower-case letters, digits and underscores. By default the architecture that the file's metadata
            name, with `_int16` behind it for 16-bit activations.
        title: The heading of the folder's README; by default the prefix.
        sensor: What samples the signal: then the program has the path from its counts to labels as well.
        hop_s: Time from answer to answer, s, of a program that keeps what it made of past samples; None: it answers
            window by window, or step by step.
        beats: The .tflite file of the beat classifier whose features the model takes: the folder then holds its program
            too, whose prefix is that of its architecture, or PREFIX_beats.

    Returns:
        The prefix, the files and the planned memory.

    Raises:
        InputError: `data` is not a .tflite file, computes in floats or has an operator without a C kernel; `prefix` is
            none; or `folder` holds something else than a generated program; or the model has no
            path from a sensor's counts.
    """
    program_files = generate_files(data, prefix, title, sensor, hop_s, beats)
    encoded = {name: text.encode() for name, text in program_files.texts.items()}
    kept = write_generated_folder(folder, encoded)
    ram = (program_files.memory, program_files.static_ram)
    return GeneratedProgram(Path(folder), program_files.prefix, tuple(sorted(encoded)), kept, *ram)


def generate_files(
    data: bytes,
    prefix: str | None = None,
    title: str | None = None,
    sensor: Sensor | None = None,
    hop_s: float | None = None,
    beats: bytes | None = None,
) -> ProgramFiles:
    """Generate the texts of a program as `generate` does, and write nothing."""
    try:
        if beats is None:
            return _generate_files(data, prefix, title, sensor, hop_s, sensor is not None)
        if hop_s is not None:
            raise InputError(f"a rhythm of beats comes every {HOP_S:g} s: leave out --hop")
        model = _generate_files(data, prefix, title, None, None, sensor is not None)
        classifier = _generate_files(beats, prefix and f"{prefix}_beats", None, None, None, sensor is not None)
        return _join_programs(model, classifier, data, beats, sensor)
    except InputError:
        raise
    except Exception as error:  # a graph that no exporter writes fails anywhere, and in any way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"no C99 program can be made of this graph: {reason}") from error


def _generate_files(
    data: bytes, prefix: str | None, title: str | None, sensor: Sensor | None, hop_s: float | None, is_sliced: bool
) -> ProgramFiles:
    program = lower(read_graph(data))
    check_shapes(data)  # before the schedule, which takes as long as a stated shape is large
    if hop_s is not None:
        program = make_continuous(program, round(hop_s * program.description.sampling_rate))
    program = dataclasses.replace(program, is_sliced=is_sliced and program.streaming is None)
    schedule = schedule_steps(program)
    memory = plan_memory(program, schedule)
    bits = 8 * program.bytes
    prefix = default_prefix(program.description.architecture, bits) if prefix is None else prefix
    metadata = find_metadata(read_model_table(data)) or ModelMetadata()
    app = emit_app(program, metadata, sensor, prefix) if sensor else {}
    replay = {"test_replay.h": emit_replay(data, program, sensor, prefix)} if sensor else {}
    names = [*included_kernels(program), *(["ecg_front_end_kernel"] if sensor else [])]
    names += [SCORE_KERNEL] if sensor and is_reconstructing(metadata) else []
    kernels = kernel_files([for_bits(name, bits) for name in names], bits)
    check_prefix(prefix, program.names, [name.rsplit(".", 1)[0] for name in kernels])
    sources = [f"{prefix}.c", *(name for name in (*app, *kernels) if name.endswith(".c"))]
    texts = {
        **kernels,
        **app,
        f"{prefix}.h": emit_header(program, memory, prefix),
        f"{prefix}.c": emit_source(program, schedule, memory, prefix),
        **replay,
        "test_vector.h": emit_test_vector(data, program, prefix, replays=bool(replay)),
        **{name: for_bits((KERNELS / name).read_text(), bits) for name in TEST_SOURCES},
        "Makefile": emit_makefile([source.removesuffix(".c") for source in sources]),
        "README.md": emit_readme(program, schedule, memory, prefix, title or prefix, metadata),
    }
    return ProgramFiles(prefix, texts, memory, _measure_app(texts, prefix) if sensor else memory.parts)


def _measure_app(texts: dict[str, str], prefix: str) -> dict[str, int]:
    """The memory of one signal on the path from counts to labels, which the README gets a line about."""
    headers = {name: text for name, text in texts.items() if name.endswith(".h") and not name.startswith("test")}
    members = measure_struct(headers, f"{prefix}_app")
    networks, queue, total = members.get("networks") or members["network"], members["queue"], members["total"]
    texts["README.md"] += f"\nFrom counts to labels, a signal takes {total:,} bytes: `struct {prefix}_app`, planned.\n"
    return {"networks": networks, "queue": queue, "path": total - networks - queue, "total": total}


def _join_programs(
    files: ProgramFiles, classifier: ProgramFiles, data: bytes, beats: bytes, sensor: Sensor | None
) -> ProgramFiles:
    """Put the program of a beat classifier beside that of the model that takes its features.

    Args:
        files: The model's program.
        classifier: The classifier's program.
        data: The model's file.
        beats: The classifier's file.
        sensor: What samples the signal: then there is the path from its counts to beats and rhythms as well.

    Returns:
        Both programs and what joins them.
    """
    path = {}
    if sensor:
        pair = plan_pair(data, beats, sensor, files.prefix, classifier.prefix)
        path = {
            **kernel_files(list(BEAT_KERNELS), 8),
            **emit_beat_app(pair),
            "test_replay.h": emit_beat_replay(pair),
        }
    program = {name: text for name, text in classifier.texts.items() if name.endswith((".c", ".h"))}
    added = {name: text for name, text in program.items() if name not in (*TEST_SOURCES, "test_vector.h")}
    added = {**path, **added}
    sources = [name.removesuffix(".c") for name in added if name.endswith(".c") and name not in files.texts]
    readme = f"""
## The beat classifier

`{classifier.prefix}.c` computes the features of a beat. For every beat, call `{classifier.prefix}_run` with

- `ecg`: the window around the R peak, prepared as above and scaled to integers as `{classifier.prefix}.h` says,
- `rr`: the five RR intervals before it in s, oldest first, 0 where unknown or longer than 3 s,
- `labels`: the labels of the five beats before it, one-hot, those that it gave itself; zeros where unknown,

and pass `fused` to `{files.prefix}_pair_row`, which makes a row of the input `features` of `{files.prefix}_run`.
{_describe_path(files.prefix) if path else "Finding R peaks is left to the caller."}
`make test` runs beats and a window through both programs.

| static RAM of the beat classifier | bytes, planned |
|---|---|
| total | {classifier.memory.total:,} |
"""
    texts = {
        **files.texts,
        **added,
        **emit_pair(data, beats, files.prefix, classifier.prefix, replays=bool(path)),
        "Makefile": extend_makefile(files.texts["Makefile"], files.prefix, sources),
        "README.md": files.texts["README.md"] + readme,
    }
    own, other = files.memory.total, classifier.memory.total
    ram = {files.prefix: own, classifier.prefix: other, "total": own + other}
    return ProgramFiles(files.prefix, texts, files.memory, _measure_app(texts, files.prefix) if sensor else ram)


def _describe_path(prefix: str) -> str:
    return f"""`{prefix}_app.h` does all that: `{prefix}_app_push` takes the counts of the sensor, and
`{prefix}_app_poll` finds R peaks and answers with beats and rhythms; it is all that firmware has to call."""


def kernel_files(names: list[str], bits: int) -> dict[str, str]:
    """The kernels of a program and the headers that they include.

    Args:
        names: The kernels, without endings.
        bits: 8 or 16: of the values.

    Returns:
        {file name: text}
    """
    found: dict[str, str] = {}
    remaining = list(names)
    while remaining:
        name = remaining.pop()
        if f"{name}.h" in found:
            continue
        for ending in (".h", ".c"):
            path = next((path for path in _templates(name, ending) if path.is_file()), None)
            if path is None:
                continue
            text = for_bits(path.read_text(), bits)
            found[f"{name}{ending}"] = text
            remaining += re.findall(r'^#include "(\w+)\.h"', text, re.M)
    return dict(sorted(found.items()))


def _templates(name: str, ending: str) -> list[Path]:
    """Where the text of a kernel may be: for one value type, or for both."""
    both = re.sub(r"_s(8|16)$", "_sN", name)
    return [KERNELS / f"{name}{ending}", KERNELS / f"{both}{ending}"]
