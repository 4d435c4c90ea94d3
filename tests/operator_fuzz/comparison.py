"""Compares programs of the C99 generator with LiteRT's reference kernels and TensorFlow Lite Micro, in batches: the
programs of many files are compiled under the address and undefined-behaviour sanitizers into one."""

import dataclasses
import faulthandler
import multiprocessing
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from export.c99.generator import generate_files
from export.c99.reference_kernels import run_reference_kernels
from export.tflite import flatbuffer
from export.tflite.operator_facts import micro_difference
from export.verify.runtimes import micro_installed
from firmware_bench.runtime.errors import InputError
from operator_fuzz.cases import draw_case, draw_inputs

BATCH = 4  # cases of each operator in one program
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
%(includes)s

static void *must(void *memory) { if (memory == NULL) { exit(3); } return memory; }
%(functions)s
static void (*const cases[])(FILE *, FILE *) = {%(names)s};

int main(int argc, char **argv)
{
    long first = argc > 3 ? atol(argv[3]) : 0;
    for (long n = first; n < (long)(sizeof cases / sizeof *cases); ++n) {
        char name[64];
        snprintf(name, sizeof name, "%%s%%ld", argv[1], n);
        FILE *in = must(fopen(name, "rb"));
        snprintf(name, sizeof name, "%%s%%ld", argv[2], n);
        FILE *out = must(fopen(name, "wb"));
        printf("%%ld\\n", n);
        fflush(stdout);
        cases[n](in, out);
        fclose(in);
        fclose(out);
    }
    return 0;
}
"""


@dataclasses.dataclass
class Case:
    """A drawn file and what became of it.

    Attributes:
        operator: Its name.
        seed: From which the file was drawn.
        data: The file.
        refusal: The generator's message, where it refuses the file.
        unknown: Why LiteRT does not take the file: nothing is compared then.
        micro: How TensorFlow Lite Micro differs from LiteRT, as the table of operators says.
        wrong: What went wrong.
        bits: Of the values: 8 or 16.
    """

    operator: str
    seed: int
    data: bytes = b""
    refusal: str = ""
    unknown: str = ""
    micro: str = ""
    wrong: str = ""
    bits: int = 8
    texts: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    inputs: list[list[np.ndarray]] = dataclasses.field(default_factory=list, repr=False)
    expected: list[list[np.ndarray]] = dataclasses.field(default_factory=list, repr=False)

    def end(self, stage: Callable, reason: str, steps: int | None = None) -> None:
        """Note that a stage failed, or gave values that differ by so many steps."""
        if stage is _generate:
            self.wrong = reason
        elif stage is _run_litert:
            self.unknown = reason
            if self.texts:
                self.wrong = f"a program is made of what LiteRT does not take: {reason}"
            self.texts = {}
        else:
            fact = micro_difference(self.operator, self.bits)
            self.micro = reason
            if fact is None or (fact.steps is not None and (steps is None or steps > fact.steps)):
                self.wrong = self.wrong or f"TensorFlow Lite Micro: {reason}"


def compare(cases: Sequence[tuple[str, int]]) -> list[Case]:
    """Draw files, and compare what the three make of them.

    Args:
        cases: (operator, seed) of each.
    """
    found = _run_references([Case(*case) for case in cases])
    programs = [case for case in found if case.texts]
    if programs:
        with tempfile.TemporaryDirectory() as folder:
            _run_programs(programs, Path(folder))
    return found


def fuzz(names: Sequence[str], seed: int, seconds: float) -> list[Case]:
    """Compare cases of operators, one after the other from `seed` on, for so many seconds."""
    found: list[Case] = []
    end, taken = time.monotonic() + seconds, 0.0
    while not found or time.monotonic() + taken < end:
        start = time.monotonic()
        seeds = range(seed, seed + BATCH)
        found += compare([(name, n) for name in names for n in seeds])
        seed, taken = seeds.stop, time.monotonic() - start
    return found


def _run_references(cases: list[Case]) -> list[Case]:
    """Generates the programs and runs the runtimes in a process of their own, which a failed check of theirs ends."""
    context, found = multiprocessing.get_context("fork"), []
    while len(found) < len(cases):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(cases[len(found) :], len(found), there))
        process.start()
        there.close()
        case, stages = cases[len(found)], 0
        try:
            while len(found) < len(cases):
                case, stages = here.recv(), stages + 1
                if stages == len(STAGES):
                    found.append(case)
                    case, stages = cases[min(len(found), len(cases) - 1)], 0
        except EOFError:
            case.end(STAGES[stages], f"the process ended: status {process.join() or process.exitcode}")
            found.append(case)
        process.join()
    return found


def _serve(cases, first, pipe):
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what the runtimes write of files that they do not take
    for number, case in enumerate(cases, first):
        for stage in STAGES:
            stage(case, f"c{number}")
            pipe.send(case)


def _generate(case: Case, prefix: str) -> None:
    case.data = draw_case(case.operator, case.seed)
    (graph,) = flatbuffer.read(case.data).subgraphs
    tensors = [graph.tensors[index] for index in graph.inputs]
    forms = [(tuple(map(int, t.shape)), np.dtype(flatbuffer.type_name(t).lower())) for t in tensors]
    case.bits, case.inputs = 8 * forms[0][1].itemsize, draw_inputs(forms, case.seed)
    try:
        case.texts = generate_files(case.data, prefix).texts
    except InputError as error:
        case.refusal = str(error)
        if "\n" in case.refusal or case.operator not in case.refusal:
            case.wrong = f"refused without its name: {case.refusal}"


def _run_litert(case: Case, prefix: str) -> None:
    try:
        case.expected = [run_reference_kernels(case.data, arrays) for arrays in case.inputs]
    except (RuntimeError, ValueError) as error:
        case.end(_run_litert, str(error).splitlines()[0])


def _run_micro(case: Case, prefix: str) -> None:
    if not case.expected:
        return
    from tflite_micro.python.tflite_micro import runtime

    steps = []
    try:
        micro = runtime.Interpreter.from_bytes(case.data, arena_size=1 << 20)
        for arrays, expected in zip(case.inputs, case.expected, strict=True):
            micro.reset()
            for number, array in enumerate(arrays):
                micro.set_input(array, number)
            micro.invoke()
            for number, array in enumerate(expected):
                steps.append(np.abs(micro.get_output(number).astype(int).ravel() - array.ravel()).max())
    except (RuntimeError, ValueError) as error:
        case.end(_run_micro, str(error).splitlines()[0])
        return
    if max(steps):
        case.end(_run_micro, f"differs by {max(steps)} steps", int(max(steps)))


STAGES = (_generate, _run_litert, _run_micro) if micro_installed() else (_generate, _run_litert)


def _run_programs(cases: list[Case], folder: Path) -> None:
    """Compiles all programs into one, runs it, and compares its outputs."""
    sources, functions = {}, []
    for number, case in enumerate(cases):
        kept = ("Makefile", "README.md", "test.c", "test_vector.h", "test_signal.h", "test_trace.h")
        sources |= {name: text for name, text in case.texts.items() if name not in kept}
        functions.append(_driver_function(number, case))
        (folder / f"in{number}").write_bytes(b"".join(a.tobytes() for arrays in case.inputs for a in arrays))
    for name, text in sources.items():
        (folder / name).write_text(text)
    models = [name for name in sources if re.fullmatch(r"c\d+\.c", name)]
    texts = {
        "includes": "".join(f'#include "{name}"\n' for name in models),
        "functions": "".join(functions),
        "names": ", ".join(f"case_{n}" for n in range(len(cases))),
    }
    (folder / "all.c").write_text(DRIVER % texts)
    kernels = [name for name in sources if name.endswith(".c") and name not in models]
    made = _execute(["gcc", *FLAGS, "all.c", *kernels, "-o", "program"], folder)
    if made.returncode:
        raise RuntimeError(made.stdout + made.stderr)
    first = 0
    while first < len(cases):
        ran = _execute(["./program", "in", "out", str(first)], folder)
        if ran.returncode == 0:
            break
        first = int(ran.stdout.split()[-1])
        reason = next((x for x in ran.stderr.splitlines() if "error" in x.lower()), f"status {ran.returncode}")
        cases[first].wrong = f"sanitizer: {reason}"
        first += 1
    for number, case in enumerate(cases):
        if case.wrong:
            continue
        expected = b"".join(a.tobytes() for arrays in case.expected for a in arrays)
        if (found := (folder / f"out{number}").read_bytes()) != expected:
            kind = np.dtype(f"int{case.bits}")
            apart = np.frombuffer(found, kind).astype(int) - np.frombuffer(expected, kind)
            case.wrong = f"{np.count_nonzero(apart)} of {apart.size} values differ, by up to {np.abs(apart).max()}"


def _driver_function(number: int, case: Case) -> str:
    prefix = next(name for name in case.texts if re.fullmatch(r"c\d+\.h", name))[:-2]
    kind = f"int{case.bits}_t"
    inputs, outputs = [a.size for a in case.inputs[0]], [a.size for a in case.expected[0]]
    lines = [f"static void case_{number}(FILE *in, FILE *out)\n{{\n    for (int v = 0; v < {len(case.inputs)}; ++v) {{"]
    arrays = []
    for name, sizes in (("x", inputs), ("y", outputs)):
        for n, size in enumerate(sizes):
            arrays.append(f"{name}{n}")
            lines.append(f"        {kind} *{name}{n} = must(malloc({size} * sizeof({kind})));")
            if name == "x":
                lines.append(f"        if (fread({name}{n}, sizeof({kind}), {size}, in) != {size}) {{ exit(4); }}")
    lines += [
        f"        struct {prefix}_state *state = must(malloc(sizeof *state));",
        "        memset(state, 0x5a, sizeof *state);",
        f"        {prefix}_run(state, {', '.join(arrays)});",
        *(f"        fwrite(y{n}, sizeof({kind}), {size}, out);" for n, size in enumerate(outputs)),
        *(f"        free({name});" for name in [*arrays, "state"]),
        "    }\n}\n",
    ]
    return "\n".join(lines)


def _execute(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
