"""The steps that need all samples, a slice a call, for a caller that must not wait: a slice is a turn of a step's loop,
such as an LSTM's time step, or a step that has none."""

from export.c99.c_text import ctype
from export.c99.emit_header import output_parameters
from export.c99.lower import StepProgram
from export.c99.steps import Calls


def emit_slices(
    program: StepProgram, parts: list[tuple[str, Calls, list[str]]], last: list[str], by_rows: bool
) -> list[str]:
    """`compute_slice`.

    Args:
        program: The program.
        parts: Of every step its name, its calls, and the statements behind them.
        last: The statements of the last slice, which writes the outputs.
        by_rows: Whether `compute_row` comes first: a row is a slice.

    Returns:
        Lines of C.
    """
    lines = [f"int $compute_slice($STATE, {output_parameters(program)})", "{"]
    if by_rows:
        lines += [
            "    if (($slice == 0) && ($turn == 0) && ($compute_row(state) != 0)) {",
            "        return 0;",
            "    }",
        ]
    lines.append("    switch ($slice) {")
    for number, (name, calls, behind) in enumerate(parts):
        statements = [f"ECG_PROFILE({name});"]
        if calls.count == 1:
            statements += [*calls.first, *calls.turn]
        else:
            statements.append(f"const int32_t {calls.variable} = $turn;")
            if calls.first:
                statements += [f"if ({calls.variable} == 0) {{", *(f"    {line}" for line in calls.first), "}"]
            statements += [
                *calls.turn,
                f"$turn = {calls.variable} + 1;",
                f"if ($turn < {calls.count}) {{",
                "    return 0;",
                "}",
                "$turn = 0;",
            ]
        statements += [*behind, "break;"]
        lines += [f"    case {number}: {{", *(f"        {line}" for line in statements), "    }"]
    lines += ["    default: {", *(f"        {line}" for line in (*last, "$slice = 0;", "return 1;")), "    }", "    }"]
    return [*lines, "    ECG_PROFILE(flow);", "    $slice++;", "    return 0;", "}", ""]


def emit_sliced_push(program: StepProgram) -> list[str]:
    """`push` of a program whose `take` says when an answer is due."""
    return [
        f"int $push($STATE, const {ctype(program.dtype)} *sample, {output_parameters(program)})",
        "{",
        "    int done;",
        "    if ($take(state, sample) == 0) {",
        "        return 0;",
        "    }",
        "    do {",
        f"        done = $compute_slice(state, {', '.join(program.output_names)});",
        "    } while (done == 0);",
        "    return 1;",
        "}",
    ]
