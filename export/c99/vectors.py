"""The test of a generated program: inputs that C and Python draw alike, and what LiteRT answers to them."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.c99 import recording
from export.c99.lower import Program
from export.c99.program import pushes
from export.c99.steps import array, ctype

TEST_SEEDS = (1, 2)


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
