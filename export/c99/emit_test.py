"""The test of a generated program: what C needs to draw the reference inputs, and what LiteRT computes for them."""

from collections.abc import Sequence

import numpy as np

from export.c99.c_text import LICENCE, array, ctype, with_prefix
from export.c99.continuous_model import ContinuousModel
from export.c99.lower import StepProgram
from export.c99.reference_kernels import ReferenceModel
from export.c99.test_inputs import choose_test_inputs
from export.c99.trace import digest_output, list_traced_steps
from firmware_bench.runtime.streaming_model import StreamingModel

BOARD_TESTS = 2  # that a program on a board makes: it has less memory and time


def emit_test_vector(data: bytes, program: StepProgram, prefix: str, replays: bool = False) -> str:
    """The text of test_vector.h, by which test.c and the firmware call a model of any name.

    Args:
        data: The file of which the program is made.
        program: The program.
        prefix: What the names of its functions begin with.
        replays: Whether test_replay.h tests the path around it.

    Returns:
        C text: macros for sizes and calls, the form of the inputs, the expected outputs and digests of steps.
    """
    inputs, traced = choose_test_inputs(program), list_traced_steps(program)
    expected, digests = compute_expected(data, program)
    bits, macro = 8 * program.bytes, prefix.upper()
    is_recording = program.streaming is not None or program.continuous is not None
    samples = inputs.signals[0][0] if is_recording else f"{macro}_WINDOW_SAMPLES"
    runs = "1" if program.streaming is None else f"(SAMPLES / {macro}_STEP_SAMPLES)"
    if program.continuous:
        runs = str(len(expected[0]) // len(program.outputs))
    reset = "$reset(&test_state)" if is_recording else "((void)0)"
    arguments, answers = (_arguments(*part) for part in (("inputs", program.inputs), ("outputs", program.outputs)))
    board = min(BOARD_TESTS, inputs.vectors)
    lines = [
        LICENCE,
        "/* Test vectors: what LiteRT's reference kernels compute of the signals that test_signal.h draws. */",
        f'#include "{prefix}.h"',
        "",
        f"typedef int{bits}_t ecg_value;",
        f"#define ECG_VALUE_MAX INT{bits}_MAX",
        "static struct $state test_state;",
        "",
        f"#define SIGNAL_SEED {inputs.seed}u",
        f"#define SIGNAL_RATE {inputs.rate} /* Hz */",
        f"#define SIGNAL_SCALE {256 if program.bytes > 1 else 1}",
        f"#define SIGNAL_ROWS {int(inputs.form == 'rows')} /* whether every second input is random rows */",
        f"#define SIGNAL_LEADS {max(leads for _, leads, _ in inputs.signals)} /* of the input that has most */",
        f"#define SIGNAL_BEATS {inputs.most_beats} /* at most, of a signal */",
        f"#define SIGNALS {len(inputs.signals)}",
        "",
        f"#define INPUTS {sum(view.tensor.size for view in program.inputs)} /* values of a window */",
        f"#define ANSWER {sum(view.tensor.size for view in program.outputs)} /* output values of one call */",
        f"#define OUTPUTS {sum(a.size for a in expected[0])} /* output values of a test */",
        f"#define RUNS {runs} /* of the model in a test */",
        f"#define BEGIN() {reset}",
        f"#define PUSHES {int(program.has_push)} /* whether samples are pushed one by one */",
    ]
    if replays:
        lines += [
            "#define REPLAY(app, answer) $replay(app, answer)",
            "#define REPLAY_EXPECTED $replay_answers",
            "#define REPLAY_APP struct $app",
            "#define REPLAY_ANSWER struct $answer",
        ]
    if program.has_push:
        lines += [f"#define SAMPLES {samples} /* of a test */", f"#define SAMPLE_SIZE {macro}_SAMPLE_SIZE"]
        lines.append(f"#define PUSH(sample, outputs) $push({', '.join(['&test_state', 'sample', *answers])})")
    if not is_recording:
        lines.append(f"#define RUN(inputs, outputs) $run({', '.join(['&test_state', *arguments, *answers])})")
    signals = ", ".join(f"{{{samples}, {leads}, {zero}}}" for samples, leads, zero in inputs.signals)
    lines += ["", f"static const struct {{ int32_t samples, leads, zero; }} signals[SIGNALS] = {{{signals}}};"]
    lines += ["#ifdef ECG_BOARD", f"#define TESTS {board}", _values("expected", program.dtype, expected[:board])]
    lines += ["#else", f"#define TESTS {inputs.vectors}", _values("expected", program.dtype, expected)]
    lines += ["", f"#define TRACED {len(traced)} /* steps whose output has a digest */"]
    names = ", ".join(f'"{step.name}"' for step in traced)
    lines.append(f"static const char *const traced_names[TRACED + 1] = {{{names}{', ' * bool(names)}NULL}};")
    lines.append(_values("digests", np.uint32, digests or [np.zeros(1, np.uint32)]))
    return with_prefix("\n".join([*lines, "#endif"]) + "\n", prefix)


def compute_expected(data: bytes, program: StepProgram) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
    """Compute what a test of a program expects.

    Args:
        data: The file of which the program is made.
        program: The program.

    Returns:
        Per test the outputs in the order in which they come, and per test the digests of the traced steps, uint32.
    """
    if program.continuous:
        return [_run_continuous(data, program, arrays[0]) for arrays in choose_test_inputs(program).make()], []
    traced = list_traced_steps(program)
    expected, digests, model = [], [], ReferenceModel(data)
    for arrays in choose_test_inputs(program).make():
        sums = np.zeros(len(traced), np.uint32)

        def add_digests(sums=sums):
            values = [digest_output(step, model.tensor(step.output.tensor.index)) for step in traced]
            np.add(sums, np.array(values, np.uint32), out=sums)

        model.after_run = add_digests
        if program.streaming:
            expected.append(_run_stream(model, arrays[0]))
        else:
            windows = [a.reshape(view.tensor.shape) for a, view in zip(arrays, program.inputs, strict=True)]
            expected.append(list(model.run_raw(windows)))
        digests.append(sums)
    return expected, digests


def _run_stream(model: ReferenceModel, samples: np.ndarray) -> list[np.ndarray]:
    """The outputs of a recording, integers (n, leads), as soon as there are any: step by step the outputs in order."""
    stream = StreamingModel(model)
    blocks = samples.reshape(-1, stream.step, samples.shape[-1])
    found = [stream.feed_raw(block * np.float32(stream.signal.scale)) for block in blocks]
    return [raw[tensor.name] for raw in found[stream.delay :] for tensor in stream.outputs]


def _run_continuous(data: bytes, program: StepProgram, samples: np.ndarray) -> list[np.ndarray]:
    """The answers of every hop to a recording, integers (n, leads)."""
    assert program.continuous is not None
    hop_s = program.continuous.hop_samples / program.description.sampling_rate
    model, answers = ContinuousModel(data, hop_s, kernels="reference"), []
    while len(samples):
        part, samples = samples[: model.remaining], samples[model.remaining :]
        answers.append(model.push(part))
    return [answer for answer in answers if answer is not None]


def _values(name: str, dtype, arrays: Sequence) -> str:
    """The definition of an array of all values; its name has no prefix."""
    values = np.concatenate([np.ravel(a) for found in arrays for a in (found if isinstance(found, list) else [found])])
    return array(ctype(dtype), name, values).replace("$", "")


def _arguments(array_name: str, views) -> list[str]:
    """The arguments of a call: places in one array of all inputs or outputs."""
    offsets = np.cumsum([0, *(view.tensor.size for view in views)])
    return [f"({array_name}) + {offset}" for offset, _ in zip(offsets, views, strict=False)]
