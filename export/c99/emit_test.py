"""The test of a generated program: pseudo-random inputs that C and Python draw, and LiteRT's outputs for them."""

from collections.abc import Sequence

import numpy as np

from export.c99.c_text import LICENCE, array, ctype, with_prefix
from export.c99.lower import StepProgram, StreamingLoop
from export.c99.reference_kernels import run_reference_kernels
from firmware_bench.runtime.streaming_model import StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel

TEST_SEEDS = (1, 2)
STREAMING_ANSWERS = 4  # steps of a streaming test whose outputs are compared


def draw_inputs(program: StepProgram, seed: int) -> list[np.ndarray]:
    """The inputs of a test: for every value one draw of Marsaglia's xorshift32, its bits from the eighth on.

    test.c draws the same.

    Args:
        program: The program.
        seed: The state of the generator, not 0.

    Returns:
        The inputs of a window, or the samples (n, leads) of a recording.
    """
    shapes = [view.tensor.shape for view in program.inputs]
    if program.streaming:
        shapes = [(streaming_samples(program.streaming), program.inputs[0].tensor.width)]
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


def streaming_samples(streaming: StreamingLoop) -> int:
    """Samples of the recording of a streaming test."""
    return (streaming.delay + STREAMING_ANSWERS) * streaming.step


def emit_test_vector(data: bytes, program: StepProgram, prefix: str) -> str:
    """The text of test_vector.h, by which test.c and the firmware call a model of any name.

    Args:
        data: The file of which the program is made.
        program: The program.
        prefix: What the names of its functions begin with.

    Returns:
        C text: macros for sizes and calls, the seeds of the inputs and the expected outputs.
    """
    drawn = [draw_inputs(program, seed) for seed in TEST_SEEDS]
    if program.streaming:
        expected = [_streaming_outputs(data, samples) for (samples,) in drawn]
    else:
        expected = [run_reference_kernels(data, arrays) for arrays in drawn]
    bits, macro = 8 * program.bytes, prefix.upper()
    samples = f"{macro}_WINDOW_SAMPLES" if program.streaming is None else streaming_samples(program.streaming)
    runs = "1" if program.streaming is None else f"(SAMPLES / {macro}_STEP_SAMPLES)"
    reset = "((void)0)" if program.streaming is None else "$reset()"
    inputs, outputs = (_arguments(*part) for part in (("inputs", program.inputs), ("outputs", program.outputs)))
    lines = [
        LICENCE,
        "/* Test vectors: the outputs of LiteRT's reference kernels for pseudo-random windows. */",
        f'#include "{prefix}.h"',
        "",
        f"typedef int{bits}_t ecg_value;",
        f"#define ECG_VALUE_BITS {bits}",
        f"#define ECG_VALUE_MAX INT{bits}_MAX",
        "",
        f"#define TESTS {len(TEST_SEEDS)}",
        f"#define INPUTS {sum(view.tensor.size for view in program.inputs)} /* values of a window */",
        f"#define ANSWER {sum(view.tensor.size for view in program.outputs)} /* output values of one call */",
        f"#define OUTPUTS {sum(a.size for a in expected[0])} /* output values of a test */",
        f"#define RUNS {runs} /* of the model in a test */",
        f"#define BEGIN() {reset}",
        f"#define PUSHES {int(program.has_push)} /* whether samples are pushed one by one */",
    ]
    if program.has_push:
        lines += [f"#define SAMPLES {samples} /* of a test */", f"#define SAMPLE_SIZE {macro}_SAMPLE_SIZE"]
        lines.append(f"#define PUSH(sample, outputs) $push({', '.join(['sample', *outputs])})")
    if program.streaming is None:
        lines.append(f"#define RUN(inputs, outputs) $run({', '.join([*inputs, *outputs])})")
    values = np.concatenate([a.ravel() for found in expected for a in found])
    texts = [array("uint32_t", "seeds", TEST_SEEDS), array(ctype(program.dtype), "expected", values)]
    lines += ["", *(text.replace("$", "") for text in texts)]
    return with_prefix("\n".join(lines) + "\n", prefix)


def _arguments(array_name: str, views) -> list[str]:
    """The arguments of a call: places in one array of all inputs or outputs."""
    offsets = np.cumsum([0, *(view.tensor.size for view in views)])
    return [f"({array_name}) + {offset}" for offset, _ in zip(offsets, views, strict=False)]


def _streaming_outputs(data: bytes, samples: np.ndarray) -> Sequence[np.ndarray]:
    """The outputs of a recording, integers (n, leads), as soon as there are any: step by step the outputs in order."""
    stream = StreamingModel(TFLiteModel(data, kernels="reference"))
    blocks = samples.reshape(-1, stream.step, samples.shape[-1])
    found = [stream.feed_raw(block * np.float32(stream.signal.scale)) for block in blocks]
    return [raw[tensor.name] for raw in found[stream.delay :] for tensor in stream.outputs]
