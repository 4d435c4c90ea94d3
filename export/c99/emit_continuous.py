"""The functions of a program that answers every hop."""

from export.c99.c_text import ctype
from export.c99.continuous import ContinuousLoop
from export.c99.emit_header import output_parameters
from export.c99.emit_slices import emit_sliced_push
from export.c99.lower import StepProgram
from export.c99.memory_plan import MemoryPlan
from export.c99.schedule import Schedule
from export.c99.steps import UNBOUNDED


def emit_continuous_functions(
    program: StepProgram, schedule: Schedule, loop: ContinuousLoop, memory: MemoryPlan
) -> list[str]:
    """`push` and `reset`.

    Args:
        program: The program.
        schedule: Its schedule.
        loop: How it answers.
        memory: Its memory.

    Returns:
        Lines of C.
    """
    place, names = memory.place(program.inputs[0]), ", ".join(program.output_names)
    producers = {step.output.storage: number for number, step in enumerate(schedule.row_steps, 1)}
    counters = [f"$made[{producers[feature]}]" for feature in loop.features]
    ready = " && ".join(f"({counter} >= ($blocks + {loop.hop}))" for counter in counters)
    clear = ["    (void)memset($sums, 0, sizeof $sums);"] if memory.sums else []
    taking = [
        f"    if ($made[0] == {UNBOUNDED}) {{",
        "        $reset(state); /* the counters end: begin anew */",
        "    }",
        f"    (void)memcpy({place.row('$made[0]')}, sample, {place.stride * program.bytes});",
        "    $made[0]++;",
        "    $compute_rows(state);",
        f"    if (!({ready})) {{",
        "        return 0;",
        "    }",
        f"    $blocks += {loop.hop};",
        *clear,
    ]
    sample = f"const {ctype(program.dtype)} *sample"
    push = [
        f"int $push($STATE, {sample}, {output_parameters(program)})",
        "{",
        *taking,
        f"    $compute_outputs(state, {names});",
        "    return 1;",
        "}",
    ]
    if program.is_sliced:
        push = [f"int $take($STATE, {sample})", "{", *taking, "    return 1;", "}", "", *emit_sliced_push(program)]
    return [
        "void $reset($STATE)",
        "{",
        "    (void)memset($made, 0, sizeof $made);",
        f"    $blocks = {loop.rows - loop.hop};",
        *(["    $slice = 0;", "    $turn = 0;"] if program.is_sliced else []),
        "}",
        "",
        *push,
    ]
