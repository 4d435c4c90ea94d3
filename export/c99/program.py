"""The folder of a generated program: model.c, model.h, the kernels that it calls, a test, a Makefile, a README."""

import shutil
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ecg_edge.errors import InputError
from ecg_edge.files import whole
from export.c99 import graph, recording
from export.c99.lower import Program, lower
from export.c99.plan import Plan, plan
from export.c99.steps import TimeMean, array, ctype
from export.c99.stream import Stream, split

KERNELS = Path(__file__).parent / "kernels"
# Headers that a kernel's C file includes beside its own.
HEADERS = ("ecg_fixed.h", "ecg_dot.h")
VALUE_HEADER = """/* What the values of this model are. */
#ifndef ECG_VALUE_H
#define ECG_VALUE_H

#include <stdint.h>

#define ECG_VALUE_BITS {0}
#define ECG_VALUE_MIN INT{0}_MIN
#define ECG_VALUE_MAX INT{0}_MAX
typedef int{0}_t ecg_value;

#endif
"""
TEST_SEEDS = (1, 2)
MARK = "/* Generated from a .tflite file by ecg-edge."


def generate(data: bytes, folder: Path, title: str = "model") -> Plan:
    """Writes the program of the integer .tflite file `data` to `folder`, whole or not at all.

    Raises InputError for a file that is none, computes in floats, or has an operator without a C kernel.
    """
    program = lower(graph.read(data))
    stream = split(program)
    memory = plan(program, stream)
    kernels = sorted({step.kernel for step in program.steps})
    files = {
        "ecg_value.h": VALUE_HEADER.format(8 * program.bytes),
        "model.h": header(program, stream, memory),
        "model.c": source(program, stream, memory, kernels),
        "test_vector.h": test_vector(data, program),
        "test.c": (KERNELS / "test.c").read_text(),
        "Makefile": makefile(kernels),
        "README.md": readme(program, stream, memory, kernels, title),
    }
    folder = Path(folder)
    if folder.exists() and not _replaceable(folder):
        raise InputError(f"{folder} exists and is no generated program: choose another folder, or remove it")
    with whole(folder) as temporary:
        temporary.mkdir()
        for name, text in files.items():
            (temporary / name).write_text(text)
        for name in [*HEADERS, *(f"{kernel}{end}" for kernel in kernels for end in (".h", ".c"))]:
            shutil.copyfile(KERNELS / name, temporary / name)
        if folder.exists():
            shutil.rmtree(folder)
    return memory


def _replaceable(folder):
    """Whether a folder is empty or was written by `generate`."""
    if not folder.is_dir():
        return False
    header = folder / "model.h"
    return not any(folder.iterdir()) or (header.is_file() and header.read_text(errors="replace").startswith(MARK))


# ---------------------------------------------------------------------------------- model.h


def header(program: Program, stream: Stream, memory: Plan) -> str:
    lines = [
        f"{MARK} The numbers are those of LiteRT's reference kernels, bit for bit. */",
        "#ifndef ECG_MODEL_H",
        "#define ECG_MODEL_H",
        "",
        "#include <stdint.h>",
        "",
    ]
    ends = [*program.inputs, *program.outputs]
    for view, name in zip(ends, program.names, strict=True):
        tensor, word = view.tensor, name.upper()
        shape = " x ".join(str(n) for n in tensor.shape[1:]) or "1"
        lines += [
            f"/* {name}: {shape}; its real values are (integer - zero point) * scale. */",
            f"#define ECG_MODEL_{word}_SIZE {tensor.size}",
            f"#define ECG_MODEL_{word}_SCALE {float(np.float32(tensor.scale))!r}f",
            f"#define ECG_MODEL_{word}_ZERO_POINT ({tensor.zero_point})",
        ]
    lines += ["", f"#define ECG_MODEL_RAM {memory.total} /* bytes of static RAM */", ""]
    if program.recording:
        lines += recording.heading(program, _outputs(program))
    else:
        lines += ["/* Computes the outputs of one window. */", f"void ecg_model_run({_parameters(program)});", ""]
    if pushes(program) and not program.recording:
        view = program.inputs[0]
        lines += [
            "/* For continuous input: takes one sample, its values of all leads, at a time. With the last of a window",
            "   the outputs are written and 1 is returned, otherwise 0; then the next window begins. */",
            f"#define ECG_MODEL_SAMPLES {view.storage.rows}",
            f"#define ECG_MODEL_SAMPLE {view.storage.width}",
            f"int ecg_model_push(const {ctype(program.dtype)} *sample, {_outputs(program)});",
            "",
            "/* Forgets the samples pushed so far. */",
            "void ecg_model_reset(void);",
            "",
        ]
    return "\n".join([*lines, "#endif", ""])


def pushes(program: Program) -> bool:
    """Whether the program can take its input sample by sample."""
    return program.recording is not None or (len(program.inputs) == 1 and program.inputs[0].storage.rows > 1)


def _parameters(program):
    inputs = [f"const {ctype(program.dtype)} *{name}" for name in program.names[: len(program.inputs)]]
    return ", ".join([*inputs, _outputs(program)])


def _outputs(program):
    return ", ".join(f"{ctype(program.dtype)} *{name}" for name in program.names[len(program.inputs) :])


# ---------------------------------------------------------------------------------- model.c


def source(program: Program, stream: Stream, memory: Plan, kernels: list[str]) -> str:
    parts = [f"{MARK} */", '#include "model.h"', "", "#include <string.h>", ""]
    parts += [f'#include "{kernel}.h"' for kernel in ["ecg_dot", *kernels]]
    parts += ["", "#ifndef ECG_PROFILE /* what begins; for a profile of instructions */"]
    parts += ["#define ECG_PROFILE(step) ((void)0)", "#endif"]
    declared = set()
    for step in program.steps:
        texts = [text for text in step.declare(step in stream.steps) if text not in declared]  # shared ones once
        declared.update(texts)
        parts += ["", *texts]
    parts += ["", *_memory(program, stream, memory), ""]
    if stream.steps:
        parts += _flow(stream, memory)
    parts += _finish(program, stream, memory)
    parts += _entries(program, stream, memory)
    return "\n".join(parts) + "\n"


def _memory(program, stream, memory):
    lines = [f"static ecg_value arena[{memory.arena // program.bytes}];"]
    if memory.window:
        lines.append(f"static int16_t window[{memory.window // 2}];")
    units = max((step.units for step in program.steps if hasattr(step, "units")), default=0)
    if units:
        lines += [f"static int16_t hidden[{units}];", f"static int16_t cell[{units}];"]
        if memory.state > 4 * units:
            lines.append(f"static int8_t row[{memory.state - 4 * units}];")
    if memory.sums:
        lines.append(f"static int32_t sums[{memory.sums // 4}];")
    if program.recording:
        lines.append("static int32_t pushed, blocks; /* samples of this block; blocks so far, as far as they count */")
    elif memory.counters:
        lines.append(f"static int32_t made[{memory.counters // 4}]; /* rows of the input, then of each step */")
    lines += [
        f"static const ecg_value *input_{view.storage.name};" for view in program.inputs if view.storage.parameter
    ]
    return lines


def _flow(stream, memory):
    """The function that makes every row that can be made, the last step first, so that rows leave as soon as they
    can."""
    number = {stream.source: 0}
    for n, step in enumerate(stream.steps, 1):
        number.setdefault(step.output.storage, n)
    lines = ["/* Makes all the rows that can be made of the samples so far. */", "static void flow(void)", "{"]
    lines += ["    for (;;) {", "        ECG_PROFILE(flow);"]
    word = "if"
    for n in range(len(stream.steps), 0, -1):
        step = stream.steps[n - 1]
        t = f"made[{n}]"
        conditions = [f"{t} < {step.rows}"]
        for storage in dict.fromkeys(view.storage for view in step.inputs):
            have = f"made[{number[storage]}]"
            conditions.append(f"({have} == {storage.rows} || {step.due(t, have)})")
        places = [memory.place(view) for view in step.inputs]
        by_rows = isinstance(step, TimeMean)
        body = step.add(places, t) if by_rows else step.row(places, t, memory.place(step.output))
        lines += [f"        {word} ({' && '.join(conditions)}) {{", f"            {_begins(step)}"]
        lines += [f"            {line}" for line in body]
        lines += [f"            {t}++;"]
        word = "} else if"
    return [*lines, "        } else {", "            return;", "        }", "    }", "}", ""]


def _begins(step):
    return f"ECG_PROFILE({step.name});"


def _finish(program, stream, memory):
    outputs = _outputs(program)
    what = "A step, and then its states' next values in their places" if program.recording else "What needs all samples"
    lines = [f"/* {what}. */", f"static void finish({outputs})", "{"]
    for step in stream.steps:
        if isinstance(step, TimeMean):
            lines += [f"    {_begins(step)}", f"    {step.finish(memory.place(step.output))}"]
    for step in stream.rest:
        places = [memory.place(view) for view in step.inputs]
        lines.append(f"    {_begins(step)}")
        lines += [f"    {line}" for line in step.calls(places, memory.place(step.output))]
    lines.append("    ECG_PROFILE(flow);")
    indent = "    "
    if program.recording:
        lines += [f"    {line}" for line in recording.moves(program, memory)]
        lines.append(f"    if (blocks > {program.recording.delay}) {{")
        indent *= 2
    for view, name in zip(program.outputs, program.names[len(program.inputs) :], strict=True):
        lines.append(f"{indent}memcpy({name}, {memory.place(view).base}, {view.tensor.size * program.bytes});")
    return [*lines, *(["    }"] if program.recording else []), "}", ""]


def _entries(program, stream, memory):
    names = ", ".join(program.names[len(program.inputs) :])
    inputs = program.names[: len(program.inputs)]
    counted = {"made": 0 if program.recording else memory.counters, "sums": memory.sums}
    clear = [f"    memset({name}, 0, sizeof {name});" for name, size in counted.items() if size]
    if program.recording:
        return recording.entries(program, memory, _outputs(program), names, clear)
    if pushes(program):
        source, place = stream.source, memory.place(program.inputs[0])
        return [
            "void ecg_model_reset(void)",
            "{",
            *clear,
            "}",
            "",
            f"int ecg_model_push(const {ctype(program.dtype)} *sample, {_outputs(program)})",
            "{",
            f"    memcpy({place.row('made[0]')}, sample, {source.width * program.bytes});",
            "    made[0]++;",
            *(["    flow();"] if stream.steps else []),
            f"    if (made[0] < {source.rows}) {{",
            "        return 0;",
            "    }",
            f"    finish({names});",
            "    ecg_model_reset();",
            "    return 1;",
            "}",
            "",
            f"void ecg_model_run({_parameters(program)})",
            "{",
            "    ecg_model_reset();",
            f"    for (int32_t t = 0; t < {source.rows}; ++t) {{",
            f"        ecg_model_push({inputs[0]} + t * {source.width}, {names});",
            "    }",
            "}",
        ]
    lines = [f"void ecg_model_run({_parameters(program)})", "{", *clear]
    for view, name in zip(program.inputs, inputs, strict=True):
        place = memory.place(view)
        if view.storage.parameter:
            lines.append(f"    input_{view.storage.name} = {name};")
        else:
            lines.append(f"    memcpy({place.base}, {name}, {view.tensor.size * program.bytes});")
    if stream.steps:
        lines += [f"    made[0] = {stream.source.rows};", "    flow();"]
    return [*lines, f"    finish({names});", "}"]


# ---------------------------------------------------------------------------------- the test


def drawn_inputs(program: Program, seed: int) -> list[np.ndarray]:
    """The inputs of a test, of a recording its samples (n, leads): for every value one draw of Marsaglia's xorshift32,
    its bits from the eighth on (test.c makes them again)."""
    shapes = [view.tensor.shape for view in program.inputs]
    if program.recording:
        shapes = [(recording.pushes(program), program.inputs[0].tensor.width)]
    arrays, x, bits = [], seed, 8 * program.bytes
    for shape in shapes:
        values = np.empty(shape, f"uint{bits}")
        for n in range(values.size):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            values.flat[n] = x >> 8 & (1 << bits) - 1
        arrays.append(values.view(program.dtype))
    return arrays


def reference(data: bytes, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """What LiteRT's reference kernels make of the inputs, in the graph's order."""
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.reset_all_variables()
    for detail, array_ in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array_)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()]


def test_vector(data: bytes, program: Program) -> str:
    """The seeds of the tests' inputs, the outputs that are expected, and how to call the model with them."""
    ins, outs = program.names[: len(program.inputs)], program.names[len(program.inputs) :]
    taken = [drawn_inputs(program, seed) for seed in TEST_SEEDS]
    if program.recording:
        expected = [recording.answers(data, samples) for (samples,) in taken]
    else:
        expected = [reference(data, arrays) for arrays in taken]
    lines = [
        "/* What LiteRT's reference kernels answer to pseudo-random windows. */",
        '#include "model.h"',
        '#include "ecg_value.h"',
        "",
    ]
    lines += [f"#define TESTS {len(TEST_SEEDS)}", f"#define PUSHES {int(pushes(program))}"]
    lines += [f"#define INPUTS {sum(v.tensor.size for v in program.inputs)}"]
    answer = sum(v.tensor.size for v in program.outputs)
    lines += [f"#define ANSWER {answer} /* values that one call gives, OUTPUTS all of a test */"]
    lines += [f"#define OUTPUTS {sum(a.size for a in expected[0])}"]
    if program.recording:
        lines += [f"#define SAMPLES {recording.pushes(program)}", "#define RUNS (SAMPLES / ECG_MODEL_STEP)"]
        lines += ["#define BEGIN() ecg_model_reset()"]
    else:
        lines += ["#define SAMPLES ECG_MODEL_SAMPLES", "#define RUNS 1", "#define BEGIN() ((void)0)"]
    offsets = {
        False: np.cumsum([0, *(view.tensor.size for view in program.inputs)]),
        True: np.cumsum([0, *(view.tensor.size for view in program.outputs)]),
    }
    inputs = [f"inputs + {offset}" for offset, _ in zip(offsets[False], ins, strict=False)]
    outputs = [f"outputs + {offset}" for offset, _ in zip(offsets[True], outs, strict=False)]
    lines += [f"#define RUN(inputs, outputs) ecg_model_run({', '.join([*inputs, *outputs])})"]
    lines += [f"#define PUSH(sample, outputs) ecg_model_push({', '.join(['sample', *outputs])})", ""]
    lines += [array("uint32_t", "seeds", TEST_SEEDS)]
    lines += [array(ctype(program.dtype), "expected", np.concatenate([a.ravel() for found in expected for a in found]))]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------------------- Makefile, README


def makefile(kernels: list[str]) -> str:
    objects = " ".join(["model.o", *(f"{kernel}.o" for kernel in kernels)])
    return f"""# make test: compares the model with LiteRT's reference kernels on this machine.
CFLAGS = -std=c99 -O2 -Wall -Wextra -Wconversion
OBJECTS = {objects}

test: check
\t./check

check: test.o $(OBJECTS)
\t$(CC) $(CFLAGS) -o $@ $^

$(OBJECTS) test.o: $(wildcard *.h)

clean:
\trm -f *.o check

.PHONY: test clean
"""


def readme(program: Program, stream: Stream, memory: Plan, kernels: list[str], title: str) -> str:
    rings = [(s, capacity) for s, capacity in stream.capacities.items() if capacity < s.rows]
    lines = [
        f"# {title}",
        "",
        "Plain C99 without heap, generated by ecg-edge from an integer .tflite file; it answers what LiteRT's",
        "reference kernels answer, bit for bit (`make test`). Compile `model.c` and the `ecg_*.c` files into your",
        "firmware and call what `model.h` declares.",
        "",
        "| static RAM | bytes, planned |",
        "|---|---|",
    ]
    for field in ("arena", "window", "state", "sums", "counters", "pointers", "total"):
        lines.append(f"| {field} | {getattr(memory, field):,} |")
    if rings:
        lines += ["", "Rows kept while samples arrive:", "", "| value | rows of all | bytes |", "|---|---|---|"]
        lines += [f"| {s.name} | {kept} of {s.rows} | {kept * s.width:,} |" for s, kept in rings]
    return "\n".join(lines) + "\n"
