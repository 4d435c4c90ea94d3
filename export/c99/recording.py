"""The program of one step (export.convert.streaming_step): it takes a recording sample by sample, keeps the states
itself and tells the step where the recording begins and ends. It is firmware_bench.runtime.streaming_model in C."""

import numpy as np

from export.c99.lower import Program
from export.c99.plan import Plan
from export.c99.steps import ctype
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.streaming_model import StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

ANSWERS = 4  # steps of a test whose outputs are compared


def heading(program: Program, outputs: str) -> list[str]:
    """The part of model.h."""
    recording = program.recording
    lines = [
        "/* Takes one sample of the recording, its values of all leads. With every ECG_MODEL_STEP-th the model makes",
        "   a step, and the outputs tell what it makes of the recording up to ECG_MODEL_DELAY steps before. As soon as",
        "   there are such they are written and 1 is returned, otherwise 0. A mean is that of all steps until there",
        "   are ECG_MODEL_WINDOW samples; from there on it forgets as fast as it learns. */",
        f"#define ECG_MODEL_SAMPLE {program.inputs[0].tensor.width}",
        f"#define ECG_MODEL_STEP {recording.step}",
        f"#define ECG_MODEL_DELAY {recording.delay}",
        f"#define ECG_MODEL_WINDOW {recording.window}",
        f"int ecg_model_push(const {ctype(program.dtype)} *sample, {outputs});",
        "",
    ]
    if recording.delay:
        lines += [
            "/* Behind the end of the recording, ECG_MODEL_DELAY times: the outputs that are late, those of a step at",
            "   a time. Samples that are no whole step are left out. Returns what ecg_model_push returns. */",
            f"int ecg_model_flush({outputs});",
            "",
        ]
    return [*lines, "/* Begins another recording. */", "void ecg_model_reset(void);", ""]


def moves(program: Program, memory: Plan) -> list[str]:
    """Statements: every state's next value to where the state lies, unless it was written there."""
    lines = []
    states = program.recording.states
    bases = {memory.base(state): state for state, _ in states}
    for state, after in states:
        to, came = memory.place(state), memory.place(after)
        if bases[memory.base(state)] is not state or bases.get(memory.base(after), state) is not state:
            raise InputError("a state or its next value lies in another state: export the step again")
        if to.base == came.base:
            continue
        lines.append(f"memmove({to.base}, {came.base}, {state.tensor.size * program.bytes});")
    return lines


def entries(program: Program, memory: Plan, outputs: str, names: str, clear: list[str]) -> list[str]:
    """The functions of model.c that are called from outside, and the step beneath them."""
    recording, (signal,) = program.recording, program.inputs
    place, size = memory.place(signal), signal.tensor.width * program.bytes
    lines = [
        "/* One block of the recording, or of what is behind its end. */",
        f"static int step(int inside, {outputs})",
        "{",
        f"    if (blocks < {recording.delay + recording.window // recording.step}) {{",
        "        ++blocks;",
        "    }",
        *clear,
    ]
    if recording.valid:
        one = min(_per_unit(recording.valid.tensor), np.iinfo(program.dtype).max)
        lines.append(f"    {_first(memory, recording.valid)} = inside ? {one} : 0;")
    if recording.share:
        one = _per_unit(recording.share.tensor)
        lines += [
            f"    int32_t count = blocks - {recording.delay}; /* of steps in the mean */",
            f"    int32_t share = count > 0 ? ({2 * one} + count) / (2 * count) : 0;",
            f"    {_first(memory, recording.share)} = (ecg_value)ecg_clamp(share, 0, ECG_VALUE_MAX);",
        ]
    lines += [
        "    if (!inside) {",
        f"        memset({place.base}, 0, {recording.step * size});",
        "    }",
        "    pushed = 0;",
        f"    finish({names});",
        f"    return blocks > {recording.delay};",
        "}",
        "",
        f"int ecg_model_push(const {ctype(program.dtype)} *sample, {outputs})",
        "{",
        f"    memcpy({place.row('pushed')}, sample, {size});",
        f"    return ++pushed < {recording.step} ? 0 : step(1, {names});",
        "}",
        "",
    ]
    if recording.delay:
        lines += [f"int ecg_model_flush({outputs})", "{", f"    return step(0, {names});", "}", ""]
    return [
        *lines,
        "void ecg_model_reset(void)",
        "{",
        "    memset(arena, 0, sizeof arena);",
        "    pushed = blocks = 0;",
        "}",
    ]


def _first(memory, view):
    return memory.place(view).base.replace("arena + ", "arena[") + "]"


def _per_unit(tensor):
    """The integer that stands for 1."""
    if tensor.scale > 1 or np.log2(tensor.scale) % 1:
        raise InputError(f"a scale of {tensor.scale:g}, no power of two: export the step again")
    return round(1 / tensor.scale)


def pushes(program: Program) -> int:
    """Samples of a test."""
    return (program.recording.delay + ANSWERS) * program.recording.step


def answers(data: bytes, samples: np.ndarray) -> list[np.ndarray]:
    """What LiteRT's reference kernels answer to a recording, integers (n, leads), as soon as there are outputs: step
    by step the outputs in order."""
    stream = StreamingModel(TFLiteModel(data, kernels="reference"))
    blocks = samples.reshape(-1, stream.step, samples.shape[-1])
    found = [stream.feed_raw(block * np.float32(stream.signal.scale)) for block in blocks]
    return [raw[tensor.name] for raw in found[stream.delay :] for tensor in stream.outputs]
