"""The C of a program: what model.h declares and model.c computes."""

import numpy as np

from export.c99 import recording
from export.c99.lower import Program
from export.c99.plan import Plan
from export.c99.steps import TimeMean, ctype
from export.c99.stream import Stream

MARK = "/* Generated from a .tflite file by ecg-edge."


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
