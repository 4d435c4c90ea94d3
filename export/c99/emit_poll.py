"""`poll` of the path around a network: it takes a sample of the sensor, or computes a slice of an answer."""

import dataclasses

from export.c99.c_text import ctype
from export.c99.lower import StepProgram
from firmware_bench.front_end.plan import FrontEndPlan
from firmware_bench.front_end.sample_models import FEED


@dataclasses.dataclass(frozen=True)
class AnswerCalls:
    """What goes around the network's functions.

    Attributes:
        before: Statements with each sample, before the network takes it.
        outputs: Arguments: where the network writes its outputs.
        behind: Statements that make the answer of them.
    """

    before: tuple[str, ...] = ()
    outputs: str = "answer->outputs"
    behind: tuple[str, ...] = ()


DIRECT = AnswerCalls()


def emit_poll(
    program: StepProgram, plan: FrontEndPlan, quantised: str, macro: str, calls: AnswerCalls, by_windows: bool
) -> list[str]:
    """`poll`, and the function that hands values to the network until an answer is due.

    Args:
        program: The network's program. One of a streaming step, which is short, computes it as the sample comes.
        plan: The front end.
        quantised: A C expression of a value as an integer of the model, with %s for the value.
        macro: What the names of macros begin with.
        calls: What goes around the network.
        by_windows: Whether the model scales whole windows.

    Returns:
        Lines of C.
    """
    network, answer, due = f"$push(&app->network, sample, {calls.outputs})", ", answer", "is_due"
    done = [*calls.behind, "$write_answer(app, answer);", "return 2;"]
    begin, end = ["    int is_due;"], ["    if (is_due != 0) {", *(f"        {line}" for line in done), "    }"]
    if program.is_sliced:
        network, answer, due, end = "$take(&app->network, sample)", "", "app->is_due", []
        begin = [
            "    if (app->is_due != 0) {",
            f"        if ($compute_slice(&app->network, {calls.outputs}) == 0) {{",
            "            return 1;",
            "        }",
            "        app->is_due = 0;",
            *(f"        {line}" for line in done),
            "    }",
        ]
    taking = [*calls.before, "ECG_PROFILE(flow);", f"is_due |= {network};"]
    feed = _feed_window(program, plan, quantised, taking) if by_windows else _feed_sample(plan, quantised, taking)
    return [
        "/* Hand values of the front end to the network until none is left, or an answer is due: then it returns 1. */",
        f"static int $feed(struct $app *app{', struct $answer *answer' if answer else ''})",
        "{",
        f"    int32_t values[{plan.leads}];",
        f"    {ctype(program.dtype)} sample[{plan.leads}];",
        "    int is_due = 0;",
        "    while ((is_due == 0) && (ecg_front_end_next(&$front_end, &app->front_end, values) != 0)) {",
        "        app->made++;",
        *feed,
        "        ECG_PROFILE(front_end);",
        "    }",
        "    return is_due;",
        "}",
        "",
        "int $app_poll(struct $app *app, struct $answer *answer)",
        "{",
        f"    int16_t counts[{plan.leads}];",
        "    const uint32_t taken = app->taken;",
        *begin,
        f"    {due} = $feed(app{answer}); /* values that were left when the last answer was due */",
        f"    if ({due} == 0) {{",
        "        if (taken == app->stored) {",
        "            return 0;",
        "        }",
        f"        for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        f"            counts[lead] = app->queue[taken % {macro}_QUEUE_SAMPLES][lead];",
        "        }",
        "        app->taken = taken + 1u;",
        "        $judge_sample(app, counts);",
        "        ECG_PROFILE(front_end);",
        "        ecg_front_end_push(&$front_end, &app->front_end, counts);",
        f"        {due} = $feed(app{answer});",
        "    }",
        "    ECG_PROFILE(flow);",
        *end,
        "    return 1;",
        "}",
        "",
    ]


def _feed_sample(plan: FrontEndPlan, quantised: str, taking: list[str]) -> list[str]:
    """Hand a value of each lead to the network."""
    return [
        f"        for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        f"            sample[lead] = {quantised % 'values[lead]'};",
        "        }",
        *(f"        {line}" for line in taking),
    ]


def _feed_window(program: StepProgram, plan: FrontEndPlan, quantised: str, taking: list[str]) -> list[str]:
    """Hand some values of the last window to the network, and keep a value of each lead for the next one."""
    samples, leads = program.inputs[0].storage.rows, plan.leads
    scaled = quantised % f"ecg_scale_window(&app->window_scales[lead], app->window[(app->fed * {leads}) + lead])"
    return [
        f"        for (int n = 0; (n < {FEED}) && (app->fed < {samples}); ++n) {{",
        f"            for (int lead = 0; lead < {leads}; ++lead) {{",
        f"                sample[lead] = {scaled};",
        "            }",
        "            app->fed++;",
        *(f"            {line}" for line in taking),
        "        }",
        f"        for (int lead = 0; lead < {leads}; ++lead) {{",
        f"            app->window[(app->filled * {leads}) + lead] = values[lead];",
        "        }",
        "        app->filled++;",
        f"        if (app->filled == {samples}) {{",
        f"            for (int lead = 0; lead < {leads}; ++lead) {{",
        f"                app->window_scales[lead] = ecg_find_window_scale(app->window + lead, {samples}, {leads});",
        "            }",
        "            app->filled = 0;",
        "            app->fed = 0;",
        "        }",
    ]
