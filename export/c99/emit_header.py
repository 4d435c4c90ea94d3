"""The header of a generated program: functions, sizes, scales, and the description of the model."""

import string

import numpy as np

from export.c99.c_text import LICENCE, comment, ctype
from export.c99.continuous import ContinuousLoop
from export.c99.ir import GraphTensor, ModelDescription
from export.c99.lower import StepProgram, StreamingLoop
from export.c99.memory_plan import MemoryPlan
from export.c99.steps import LstmStep

MARK = "/* Generated from a .tflite file by ecg-edge."
EXTERN_C_BEGIN = ["#ifdef __cplusplus", 'extern "C" {', "#endif"]
EXTERN_C_END = ["#ifdef __cplusplus", "}", "#endif"]

PLAIN_CHARACTERS = frozenset(string.ascii_letters + string.digits + " +-.,:;()=<>^_/")


def emit_header(program: StepProgram, memory: MemoryPlan, prefix: str) -> str:
    """The text of the header.

    Args:
        program: The program.
        memory: Its static RAM.
        prefix: What every name in it begins with.

    Returns:
        C text, which is C++ as well.
    """
    macro = prefix.upper()
    lines = [
        LICENCE,
        f"{MARK} It computes what LiteRT's reference kernels compute, bit for bit. */",
        f"#ifndef {macro}_H",
        f"#define {macro}_H",
        "",
        "#include <stdint.h>",
        "",
        *EXTERN_C_BEGIN,
        "",
        *_description(program.description, macro),
    ]
    for view, name in zip([*program.inputs, *program.outputs], program.names, strict=True):
        lines += _tensor_macros(view.tensor, name, f"{macro}_{name.upper()}")
    lines += _state(program, memory, prefix)
    if program.streaming:
        lines += _streaming_functions(program, program.streaming, prefix)
    elif program.continuous:
        lines += _continuous_functions(program, program.continuous, prefix)
    else:
        lines += _window_functions(program, prefix)
    if program.is_sliced:
        lines += _slice_functions(program, prefix)
    return "\n".join([*lines, *EXTERN_C_END, "", "#endif", ""])


def input_parameters(program: StepProgram) -> str:
    """The parameters of a C function that takes all inputs."""
    return ", ".join(f"const {ctype(program.dtype)} *{name}" for name in program.input_names)


def output_parameters(program: StepProgram) -> str:
    """The parameters of a C function that writes the outputs."""
    return ", ".join(f"{ctype(program.dtype)} *{name}" for name in program.output_names)


def _description(about: ModelDescription, macro: str) -> list[str]:
    lines = []
    if about.architecture:
        lines += comment(f"Architecture {_in_comment(about.architecture)}.")
    if about.sampling_rate:
        lines.append(f"#define {macro}_SAMPLING_RATE_HZ {float(about.sampling_rate)!r}f /* of the input */")
    if about.leads:
        lines += ["/* The leads, in the order in which a sample holds them: an initialiser of an array of strings. */"]
        lines += _names(f"{macro}_LEAD", about.leads)
    if about.labels:
        lines += ["/* The labels, in the order of the outputs: an initialiser of an array of strings. */"]
        lines += _names(f"{macro}_LABEL", about.labels)
    return [*lines, ""] if lines else []


def _names(macro: str, names: tuple[str, ...]) -> list[str]:
    strings = ", ".join(map(string_literal, names))
    return [f"#define {macro}_COUNT {len(names)}", f"#define {macro}_NAMES {{{strings}}}"]


def string_literal(text: str) -> str:
    """A C string of letters, digits and a few signs; all else is UTF-8 in octal: no trigraphs, no placeholders."""
    characters = (
        chr(byte) if chr(byte) in PLAIN_CHARACTERS else f"\\{byte:03o}" for byte in text.encode(errors="replace")
    )
    return f'"{"".join(characters)}"'


def _in_comment(text: str) -> str:
    """Text as a part of a comment: at most 200 characters, without the signs of comments and placeholders."""
    return "".join(c if c in PLAIN_CHARACTERS else " " for c in text[:200])


def _tensor_macros(tensor: GraphTensor, name: str, macro: str) -> list[str]:
    shape = " x ".join(str(n) for n in tensor.shape[1:]) or "1"
    bounds = np.iinfo(tensor.dtype or np.int8)
    return [
        *comment(
            f"{name}: {shape} values, the last axis first in memory, from {bounds.min} to {bounds.max}. "
            f"Real value = (integer - {macro}_ZERO_POINT) * {macro}_SCALE."
        ),
        f"#define {macro}_SIZE {tensor.size}",
        f"#define {macro}_SCALE {float(np.float32(tensor.scale))!r}f",
        f"#define {macro}_ZERO_POINT ({tensor.zero_point})",
    ]


def _state(program: StepProgram, memory: MemoryPlan, prefix: str) -> list[str]:
    """The structure that holds the memory of one signal, the most aligned members first."""
    units = max((step.units for step in program.steps if isinstance(step, LstmStep)), default=0)
    value = ctype(program.dtype)
    members = [
        *(
            (f"const {value} *", f"input_{view.storage.name}", 0, "")
            for view in program.inputs
            if view.storage.is_argument
        ),
        ("int32_t ", "sums", memory.sums // 4, "sums over time"),
    ]
    if program.streaming:
        members.append(("int32_t ", "pushed", 0, "samples of this block"))
        members.append(("int32_t ", "blocks", 0, "blocks so far, up to the length of the running mean"))
    elif memory.counters:
        rows = memory.counters // 4 - (program.continuous is not None) - 2 * program.is_sliced
        members.append(("int32_t ", "made", rows, "rows of the input, then of each row step"))
    if program.continuous:
        members.append(("int32_t ", "blocks", 0, "rows at the last answer"))
    if program.is_sliced:
        members.append(("int32_t ", "slice", 0, "the step that computes the next slice of an answer"))
        members.append(("int32_t ", "turn", 0, "of that step"))
    members += [
        ("int16_t ", "window", memory.window // 2, "scratch values"),
        *((("int16_t ", "hidden", units, "of an LSTM"), ("int16_t ", "cell", units, "of an LSTM")) if units else ()),
        (f"{value} ", "arena", memory.arena // program.bytes, "activations"),
        ("int8_t ", "row", max(0, memory.state - 4 * units), "scratch values"),
    ]
    arrays = {"sums", "window", "arena", "row"}
    lines = [
        *comment(
            f"The memory of one signal, {memory.total} bytes and what the compiler adds to align it. The program has "
            "no other, so that as many signals can be watched as have a structure. Its members are not for the caller."
        ),
        f"#define {prefix.upper()}_RAM_BYTES {memory.total}",
        f"struct {prefix}_state {{",
    ]
    for kind, name, size, what in members:
        if size or name not in arrays:
            extent = f"[{size}]" if size else ""
            lines.append(f"    {kind}{name}{extent};{f' /* {what} */' if what else ''}")
    return [*lines, "};", ""]


def _sizes(program: StepProgram, prefix: str, names) -> str:
    return ", ".join(f"{name}: {prefix.upper()}_{name.upper()}_SIZE values" for name in names)


def _window_functions(program: StepProgram, prefix: str) -> list[str]:
    outputs, macro = output_parameters(program), prefix.upper()
    lines = [
        *comment(
            f"Compute the outputs of one window. In: {_sizes(program, prefix, program.input_names)}. "
            f"Out: {_sizes(program, prefix, program.output_names)}."
        ),
        f"void {prefix}_run(struct {prefix}_state *state, {input_parameters(program)}, {outputs});",
        "",
    ]
    if program.has_push:
        storage = program.inputs[0].storage
        lines += [
            f"#define {macro}_WINDOW_SAMPLES {storage.rows} /* samples of a window */",
            f"#define {macro}_SAMPLE_SIZE {storage.width} /* values of a sample: one of each lead */",
            "",
            *comment(
                f"For continuous input, after {prefix}_reset: take one sample, {macro}_SAMPLE_SIZE values. With "
                "the last sample of a window the outputs are written and 1 is returned, otherwise 0; then the next "
                "window begins. "
                f"Out: {_sizes(program, prefix, program.output_names)}."
            ),
            f"int {prefix}_push(struct {prefix}_state *state, const {ctype(program.dtype)} *sample, {outputs});",
            "",
            "/* Begin a window: before the first sample, and to forget those pushed so far. */",
            f"void {prefix}_reset(struct {prefix}_state *state);",
            "",
        ]
    return lines


def _continuous_functions(program: StepProgram, loop: ContinuousLoop, prefix: str) -> list[str]:
    macro, storage = prefix.upper(), program.inputs[0].storage
    return [
        f"#define {macro}_SAMPLE_SIZE {storage.width} /* values of a sample: one of each lead */",
        f"#define {macro}_WINDOW_SAMPLES {storage.rows} /* samples of a window */",
        f"#define {macro}_HOP_SAMPLES {loop.hop_samples} /* samples from answer to answer */",
        f"#define {macro}_CONTEXT_SAMPLES {loop.context} /* samples behind a window that its answer waits for */",
        "",
        *comment(
            f"After {prefix}_reset: take one sample of the recording, {macro}_SAMPLE_SIZE values. When a window and "
            f"{macro}_CONTEXT_SAMPLES samples are there, and every {macro}_HOP_SAMPLES samples from then on, the "
            "outputs of the last window are written and 1 is returned, otherwise 0. Where a program for whole windows "
            "has zeros beyond the ends of a window, this one has the samples that are there. "
            f"Out: {_sizes(program, prefix, program.output_names)}."
        ),
        f"int {prefix}_push(struct {prefix}_state *state, const {ctype(program.dtype)} *sample, "
        f"{output_parameters(program)});",
        "",
        "/* Begin a recording. */",
        f"void {prefix}_reset(struct {prefix}_state *state);",
        "",
    ]


def _streaming_functions(program: StepProgram, streaming: StreamingLoop, prefix: str) -> list[str]:
    outputs, macro = output_parameters(program), prefix.upper()
    lines = [
        f"#define {macro}_SAMPLE_SIZE {program.inputs[0].tensor.width} /* values of a sample: one of each lead */",
        f"#define {macro}_STEP_SAMPLES {streaming.step} /* samples of a step */",
        f"#define {macro}_DELAY_STEPS {streaming.delay} /* steps by which the outputs are late */",
        f"#define {macro}_WINDOW_SAMPLES {streaming.window} /* samples of the running mean */",
        "",
        *comment(
            f"After {prefix}_reset: take one sample of the recording, {macro}_SAMPLE_SIZE values. With every "
            f"{macro}_STEP_SAMPLES-th sample the model makes a step; its outputs are those of the recording up "
            f"to {macro}_DELAY_STEPS steps before. As soon as there are outputs they are written with every step and 1 "
            f"is returned, otherwise 0. A mean is that of all steps up to {macro}_WINDOW_SAMPLES samples, and an "
            "exponentially weighted one from there on. "
            f"Out: {_sizes(program, prefix, program.output_names)}."
        ),
        f"int {prefix}_push(struct {prefix}_state *state, const {ctype(program.dtype)} *sample, {outputs});",
        "",
    ]
    if streaming.delay:
        lines += [
            *comment(
                f"After the end of the recording, {macro}_DELAY_STEPS times: the outputs that are late, those of one "
                f"step a call. Samples that do not fill a step are dropped. Returns what {prefix}_push returns."
            ),
            f"int {prefix}_flush(struct {prefix}_state *state, {outputs});",
            "",
        ]
    return [*lines, "/* Begin a recording. */", f"void {prefix}_reset(struct {prefix}_state *state);", ""]


def _slice_functions(program: StepProgram, prefix: str) -> list[str]:
    """The declarations of `take` or `give` and of `compute_slice` in the header."""
    begin = [
        f"/* {prefix}_push in parts. Take a sample; returns 1 where an answer is due, otherwise 0. */",
        f"int {prefix}_take(struct {prefix}_state *state, const {ctype(program.dtype)} *sample);",
        "",
    ]
    if not program.has_push:
        begin = [
            f"/* {prefix}_run in parts. Give the inputs, which stay where they are until the outputs are written. */",
            f"void {prefix}_give(struct {prefix}_state *state, {input_parameters(program)});",
            "",
        ]
    return [
        *begin,
        "/* Compute a slice of the answer that is due; the next sample waits. Returns 1 where outputs are written. */",
        f"int {prefix}_compute_slice(struct {prefix}_state *state, {output_parameters(program)});",
        "",
    ]
