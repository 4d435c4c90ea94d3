"""The functions of a program that is one streaming step: it takes a recording sample by sample, keeps the states
and marks where the recording begins and ends. It is firmware_bench.runtime.streaming_model in C."""

import numpy as np

from export.c99.c_text import ctype
from export.c99.emit_header import output_parameters
from export.c99.ir import GraphTensor
from export.c99.lower import StepProgram, StreamingLoop
from export.c99.memory_plan import MemoryPlan
from export.c99.steps import View, fill
from firmware_bench.runtime.errors import InputError


def emit_state_moves(program: StepProgram, streaming: StreamingLoop, memory: MemoryPlan) -> list[str]:
    """The statements that move every state's next value to the state, unless it was written there.

    Raises:
        InputError: A state or its next value shares memory with another state.
    """
    lines = []
    roots = {memory.root(state): state for state, _ in streaming.states}
    for state, after in streaming.states:
        target, source = memory.place(state), memory.place(after)
        if roots[memory.root(state)] is not state or roots.get(memory.root(after), state) is not state:
            raise InputError("a state or its next value shares memory with another state: export the step again")
        if target.base != source.base:
            lines.append(f"(void)memmove({target.base}, {source.base}, {state.tensor.size * program.bytes});")
    return lines


def emit_streaming_functions(
    program: StepProgram, streaming: StreamingLoop, memory: MemoryPlan, clear: list[str]
) -> list[str]:
    """`push`, `flush` and `reset`, and the step that they make.

    Args:
        program: The program.
        streaming: Its loop over blocks.
        memory: Its static RAM.
        clear: Statements at the beginning of a step.

    Returns:
        Lines of C.
    """
    (signal,) = program.inputs
    place = memory.place(signal)
    outputs, names = output_parameters(program), ", ".join(program.output_names)
    lines = [
        "/* One block of the recording, or of zeros after its end. */",
        f"static int $step($STATE, int inside, {outputs})",
        "{",
        f"    if ($blocks < {streaming.delay + streaming.window // streaming.step}) {{",
        "        $blocks++;",
        "    }",
        *(f"    {statement}" for statement in (*clear, *_controls(program, streaming, memory))),
        "    if (inside == 0) {",
        *(f"        {statement}" for statement in fill(place.base, 0, streaming.step * signal.tensor.width)),
        "    }",
        "    $pushed = 0;",
        f"    $compute_outputs(state, {names});",
        f"    return ($blocks > {streaming.delay}) ? 1 : 0;",
        "}",
        "",
        f"int $push($STATE, const {ctype(program.dtype)} *sample, {outputs})",
        "{",
        f"    (void)memcpy({place.row('$pushed')}, sample, {signal.tensor.width * program.bytes});",
        "    $pushed++;",
        f"    if ($pushed < {streaming.step}) {{",
        "        return 0;",
        "    }",
        f"    return $step(state, 1, {names});",
        "}",
        "",
    ]
    if streaming.delay:
        lines += [f"int $flush($STATE, {outputs})", "{", f"    return $step(state, 0, {names});", "}", ""]
    lines += ["void $reset($STATE)", "{", "    (void)memset($arena, 0, sizeof $arena);", "    $pushed = 0;"]
    return [*lines, "    $blocks = 0;", "}"]


def _controls(program: StepProgram, streaming: StreamingLoop, memory: MemoryPlan) -> list[str]:
    """The statements that write the inputs `valid` and `share`."""
    lines = []
    if streaming.valid:
        one = min(_one(streaming.valid.tensor), int(np.iinfo(program.dtype).max))
        lines.append(f"{_first_value(memory, streaming.valid)} = (inside != 0) ? {one} : 0;")
    if streaming.share:
        one = _one(streaming.share.tensor)
        rounded = f"({2 * one} + count) / (2 * count)"
        lines += [
            f"int32_t count = $blocks - {streaming.delay}; /* steps of the running mean */",
            f"int32_t share = (count > 0) ? ({rounded}) : 0;",
            f"{_first_value(memory, streaming.share)} = (ecg_value)ecg_clamp(share, 0, ECG_VALUE_MAX);",
        ]
    return lines


def _first_value(memory: MemoryPlan, view: View) -> str:
    return memory.place(view).base.replace("$arena + ", "$arena[") + "]"


def _one(tensor: GraphTensor) -> int:
    """The integer that stands for 1. InputError for a scale that is no power of two."""
    if tensor.scale > 1 or np.log2(tensor.scale) % 1:
        raise InputError(f"a scale of {tensor.scale:g}, no power of two: export the step again")
    return round(1 / tensor.scale)
