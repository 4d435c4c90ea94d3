"""The source of a generated program: its constants, and the functions that call the kernels."""

import re

from export.c99.c_text import LICENCE, ctype, for_bits, with_prefix, with_state
from export.c99.emit_continuous import emit_continuous_functions
from export.c99.emit_header import MARK, input_parameters, output_parameters
from export.c99.emit_slices import emit_sliced_push, emit_slices
from export.c99.emit_streaming import emit_state_moves, emit_streaming_functions
from export.c99.lower import StepProgram
from export.c99.memory_plan import MemoryPlan
from export.c99.schedule import Schedule
from export.c99.steps import UNBOUNDED, Calls, LstmStep, Step, TimeMeanStep, for_loop
from export.c99.trace import list_traced_steps

ROWS = re.compile(r"^(    \.rows = )\d+,$", re.MULTILINE)  # of a kernel's whole input


def emit_source(program: StepProgram, schedule: Schedule, memory: MemoryPlan, prefix: str) -> str:
    """The text of the source.

    Args:
        program: The program.
        schedule: Its schedule.
        memory: The memory of one signal.
        prefix: What every name in it begins with.

    Returns:
        C text.
    """
    lines = [LICENCE, f"{MARK} */", f'#include "{prefix}.h"', "", "#include <string.h>", ""]
    lines += [f'#include "{name}.h"' for name in included_kernels(program)]
    lines += ["", "#ifndef ECG_PROFILE /* called with the name of every step that begins, for profiling */"]
    lines += ["#define ECG_PROFILE(step) ((void)0)", "#endif"]
    lines += ["", "#ifndef ECG_TRACE /* called with the rows that a step has made, for tests */"]
    lines += ["#define ECG_TRACE(step, first, rows, width, stride, values) ((void)0)", "#endif"]
    declared: set[str] = set()
    arrays: dict[str, str] = {}
    for step in program.steps:
        texts = step.declare(step in schedule.row_steps)
        if program.continuous and step in schedule.row_steps:
            texts = [ROWS.sub(rf"\g<1>{UNBOUNDED},", text) for text in texts]
        texts = _share_arrays(texts, arrays)
        texts = [text for text in texts if text not in declared]  # shared ones once
        declared.update(texts)
        lines += ["", *texts] if texts else []
    functions = _compute_rows(program, schedule, memory) if schedule.row_steps else []
    functions += _compute_outputs(program, schedule, memory)
    if program.streaming:
        functions += emit_streaming_functions(program, program.streaming, memory, _clear(program, memory))
    elif program.continuous:
        functions += emit_continuous_functions(program, schedule, program.continuous, memory)
    elif program.has_push:
        functions += _push_functions(program, schedule, memory)
    else:
        functions += _run_function(program, schedule, memory)
    text = "\n".join([*lines, "", *with_state(functions)]) + "\n"
    return with_prefix(for_bits(text, 8 * program.bytes), prefix)


def _share_arrays(texts: list[str], arrays: dict[str, str]) -> list[str]:
    """The constants of a step without the arrays that an earlier step has: steps of an unrolled loop share weights.

    Args:
        texts: The constants.
        arrays: Type and values of an array → its name; arrays of this step are added. Those are left out to which the
            step's structures alone refer.
    """
    structures = "".join(text for text in texts if text.startswith("static const struct"))
    kept, renamed = [], {}
    for text in texts:
        found = re.fullmatch(r"(static const \w+ )\$(\w+)(\[\d+\] = .*)", text, re.DOTALL)
        if found and f"= ${found[2]}," in structures:
            name = arrays.setdefault(found[1] + found[3], found[2])
            if name != found[2]:
                renamed[f"= ${found[2]},"] = f"= ${name},"
                continue
        kept.append(text)
    for old, new in renamed.items():
        kept = [text.replace(old, new) for text in kept]
    return kept


def included_kernels(program: StepProgram) -> list[str]:
    """The kernel headers that the source includes, without their endings."""
    names = {"ecg_fixed", *(step.kernel for step in program.steps)}
    if any(isinstance(step, LstmStep) for step in program.steps):
        names.add("ecg_sums_s8")  # ecg_widen_s8
    return sorted(names)


def _compute_rows(program: StepProgram, schedule: Schedule, memory: MemoryPlan):
    """The function that makes every row that can be made, the last step first, so that rows are dropped early; of a
    program that is given whole inputs and computes in slices one row, then it returns 1, or 0 where none is left."""
    is_single = _computes_row_by_row(program)
    number = {schedule.source: 0}
    for n, step in enumerate(schedule.row_steps, 1):
        number.setdefault(step.output.storage, n)
    lines = ["ECG_PROFILE(flow);"]
    traced, word = list_traced_steps(program), "if"
    for n in range(len(schedule.row_steps), 0, -1):
        step = schedule.row_steps[n - 1]
        t = f"$made[{n}]"
        conditions = [] if program.continuous else [f"({t} < {step.rows})"]
        for storage in dict.fromkeys(view.storage for view in step.inputs):
            rows = f"$made[{number[storage]}]"
            ready = step.ready_condition(t, rows)
            conditions.append(ready if program.continuous else f"(({rows} == {storage.rows}) || {ready})")
        places = [memory.place(view) for view in step.inputs]
        if isinstance(step, TimeMeanStep):
            statements = step.emit_accumulate(places, t)
        else:
            assert step.emit_row is not None
            statements = step.emit_row(places, t, memory.place(step.output))
            if step in traced:
                place, width = memory.place(step.output), step.output.storage.width
                statements = [*statements, f"ECG_TRACE({traced.index(step)}, {t}, 1, {width}, 0, {place.row(t)});"]
        lines.append(f"{word} ({' && '.join(conditions)}) {{")
        lines += [f"    {statement}" for statement in (_profile(step), *statements, f"{t}++;")]
        word = "} else if"
    lines += ["} else {", f"    return{' 0' if is_single else ''};", "}"]
    if is_single:
        begin = ["/* Compute a row. Returns 0 where none is left. */", "static int $compute_row($STATE)", "{"]
        return [*begin, *(f"    {line}" for line in lines), "    return 1;", "}", ""]
    begin = ["/* Compute all rows that can be computed from the samples so far. */"]
    begin += ["static void $compute_rows($STATE)", "{", "    for (;;) {"]
    return [*begin, *(f"        {line}" for line in lines), "    }", "}", ""]


def _computes_row_by_row(program: StepProgram) -> bool:
    return program.is_sliced and not program.has_push


def _profile(step: Step) -> str:
    return f"ECG_PROFILE({step.name});"


def _compute_outputs(program: StepProgram, schedule: Schedule, memory: MemoryPlan):
    traced = list_traced_steps(program)

    def trace(step: Step) -> list[str]:
        place, storage = memory.place(step.output), step.output.storage
        about = f"0, {storage.rows}, {storage.width}, {place.stride}"
        return [f"ECG_TRACE({traced.index(step)}, {about}, {place.base});"] if step in traced else []

    parts = [
        (step.name, Calls([], [step.emit_mean(memory.place(step.output))]), trace(step))
        for step in schedule.row_steps
        if isinstance(step, TimeMeanStep)
    ]
    for step in schedule.final_steps:
        places = [memory.place(view) for view in step.inputs]
        parts.append((step.name, step.plan_calls(places, memory.place(step.output)), trace(step)))
    copies = [
        f"(void)memcpy({name}, {memory.place(view).base}, {view.tensor.size * program.bytes});"
        for view, name in zip(program.outputs, program.output_names, strict=True)
    ]
    if program.is_sliced:
        begin_window = [] if program.continuous else _clear(program, memory)
        by_rows = bool(schedule.row_steps) and _computes_row_by_row(program)
        return emit_slices(program, parts, [*copies, *begin_window], by_rows)
    if program.streaming:
        copies = [f"if ($blocks > {program.streaming.delay}) {{", *(f"    {copy}" for copy in copies), "}"]
        copies = [*emit_state_moves(program, program.streaming, memory), *copies]
    what = "Compute a step, and move the states' next values to the states" if program.streaming else ""
    lines = [f"/* {what or 'Compute the steps that need all samples, and the outputs'}. */"]
    lines += [f"static void $compute_outputs($STATE, {output_parameters(program)})", "{"]
    for name, calls, behind in parts:
        lines += [f"    {line}" for line in (f"ECG_PROFILE({name});", *calls.emit(), *behind)]
    return [*lines, "    ECG_PROFILE(flow);", *(f"    {copy}" for copy in copies), "}", ""]


def _clear(program, memory) -> list[str]:
    """Statements that set the counters and sums to zero."""
    counters = 0 if program.streaming else memory.counters
    named = {"$made": counters, "$sums": memory.sums}
    cleared = [f"(void)memset({name}, 0, sizeof {name});" for name, size in named.items() if size]
    return [*cleared, *(["$slice = 0;", "$turn = 0;"] if program.is_sliced else [])]


def _push_functions(program: StepProgram, schedule: Schedule, memory: MemoryPlan):
    """`reset`, `push`, and `run` by these."""
    place, names = memory.place(program.inputs[0]), ", ".join(program.output_names)
    storage, value = program.inputs[0].storage, ctype(program.dtype)
    sample = f"{program.input_names[0]} + (t * {storage.width})"
    loop = for_loop("t", storage.rows, [f"(void)$push(state, {sample}, {names});"])
    taking = [
        f"    (void)memcpy({place.row('$made[0]')}, sample, {storage.width * program.bytes});",
        "    $made[0]++;",
        *(["    $compute_rows(state);"] if schedule.row_steps else []),
    ]
    push = [
        f"int $push($STATE, const {value} *sample, {output_parameters(program)})",
        "{",
        *taking,
        f"    if ($made[0] < {storage.rows}) {{",
        "        return 0;",
        "    }",
        f"    $compute_outputs(state, {names});",
        "    $reset(state);",
        "    return 1;",
        "}",
    ]
    if program.is_sliced:
        due = f"    return ($made[0] < {storage.rows}) ? 0 : 1;"
        push = [f"int $take($STATE, const {value} *sample)", "{", *taking, due, "}", "", *emit_sliced_push(program)]
    return [
        "void $reset($STATE)",
        "{",
        *(f"    {statement}" for statement in _clear(program, memory)),
        "}",
        "",
        *push,
        "",
        f"void $run($STATE, {input_parameters(program)}, {output_parameters(program)})",
        "{",
        "    $reset(state);",
        *(f"    {line}" for line in loop),
        "}",
    ]


def _run_function(program: StepProgram, schedule: Schedule, memory: MemoryPlan):
    """`run`; of a program in slices before it `give`, which takes the inputs."""
    signature = f"void $run($STATE, {input_parameters(program)}, {output_parameters(program)})"
    outputs = ", ".join(program.output_names)
    begin = f"void $give($STATE, {input_parameters(program)})" if program.is_sliced else signature
    lines = [begin, "{", *(f"    {statement}" for statement in _clear(program, memory))]
    for view, name in zip(program.inputs, program.input_names, strict=True):
        if view.storage.is_argument:
            lines.append(f"    $input_{view.storage.name} = {name};")
        else:
            lines.append(f"    (void)memcpy({memory.place(view).base}, {name}, {view.tensor.size * program.bytes});")
    if schedule.row_steps and schedule.source:
        lines.append(f"    $made[0] = {schedule.source.rows};")
        lines += [] if program.is_sliced else ["    $compute_rows(state);"]
    if not program.is_sliced:
        return [*lines, f"    $compute_outputs(state, {outputs});", "}"]
    return [
        *[*lines, "}", "", signature, "{", "    int done;", f"    $give(state, {', '.join(program.input_names)});"],
        *["    do {", f"        done = $compute_slice(state, {outputs});", "    } while (done == 0);", "}"],
    ]
