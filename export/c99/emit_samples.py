"""The samples of a sensor in C: they are stored, judged, and go through a front end."""

from export.c99.c_text import array, structure
from firmware_bench.front_end.plan import FrontEndPlan
from firmware_bench.front_end.sensor import Sensor

FAULTS = ("missing", "saturated", "flat", "lost")  # in the order of their flags


def define_front_end(plan: FrontEndPlan, start: str = "") -> list[str]:
    """Return the constants of a front end.

    Args:
        plan: The front end.
        start: What their names begin with.
    """
    sections = (
        ",\n".join(f"    {{{s.b0}, {s.b1}, {s.b2}, {-s.a1}, {-s.a2}, {int(s.passes_constant)}}}" for s in plan.sections)
        or "    {0, 0, 0, 0, 0, 0}"
    )
    kind = f"static const struct ecg_front_end_section ${start}sections[{max(1, len(plan.sections))}]"
    return [
        array("int16_t", f"{start}phases", plan.phases[:, ::-1]),
        array("int32_t", f"{start}multipliers", plan.multipliers),
        array("int32_t", f"{start}shifts", plan.shifts),
        array("int32_t", f"{start}baselines", plan.baselines),
        f"{kind} = {{\n{sections},\n}};",
        structure(
            "ecg_front_end",
            f"{start}front_end",
            phases=f"${start}phases",
            multipliers=f"${start}multipliers",
            shifts=f"${start}shifts",
            baselines=f"${start}baselines",
            sections=f"${start}sections",
            leads=plan.leads,
            up=plan.up,
            down=plan.down,
            half_length=plan.half_length,
            taps=plan.taps,
            section_count=len(plan.sections),
            block=plan.scale.block if plan.scale else 0,
            memory=plan.scale.memory if plan.scale else 0,
        ),
    ]


def emit_begin_block(plan: FrontEndPlan) -> list[str]:
    """Return `begin_block`, with which a second begins in which a lead may be constant."""
    return [
        "static void $begin_block(struct $app *app)",
        "{",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        "        app->low[lead] = INT16_MAX;",
        "        app->high[lead] = INT16_MIN;",
        "    }",
        "    app->judged = 0u;",
        "}",
        "",
    ]


def begin_samples(plan: FrontEndPlan) -> list[str]:
    """Return the statements with which a recording begins: those of `app_init` but for the network."""
    return [
        "    (void)memset(app, 0, sizeof *app);",
        "    app->front_end.history = app->history;",
        "    app->front_end.sections = app->sections;",
        *(["    app->front_end.scales = app->scales;"] if plan.scale else []),
        "    ecg_front_end_start(&$front_end, &app->front_end);",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        "        app->held[lead] = (int16_t)$baselines[lead];",
        "    }",
        "    $begin_block(app);",
    ]


def emit_app_push(leads: int, macro: str) -> list[str]:
    """Return `app_push`, which stores a sample.

    Args:
        leads: Of a sample.
        macro: What the names of macros begin with.
    """
    return [
        "int $app_push(struct $app *app, const int16_t *counts)",
        "{",
        "    const uint32_t stored = app->stored;",
        f"    if ((stored - app->taken) >= {macro}_QUEUE_SAMPLES) {{",
        "        app->lost++;",
        "        return 0;",
        "    }",
        f"    for (int lead = 0; lead < {leads}; ++lead) {{",
        f"        app->queue[stored % {macro}_QUEUE_SAMPLES][lead] = counts[lead];",
        "    }",
        "    app->stored = stored + 1u; /* after the counts are there */",
        "    return 1;",
        "}",
        "",
    ]


def emit_judge_sample(sensor: Sensor, plan: FrontEndPlan) -> list[str]:
    """Return `judge_sample`, which notes faults: `firmware_bench.front_end.sample_faults`."""
    return [
        "/* Note what is wrong with a sample of the sensor, and every second which lead was constant. */",
        "static void $judge_sample(struct $app *app, const int16_t *counts)",
        "{",
        "    const uint32_t moment = app->made + 1u;",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        "        if (counts[lead] == ECG_MISSING) {",
        f"            app->faults[{FAULTS.index('missing')}] = moment;",
        "        } else {",
        "            app->held[lead] = counts[lead];",
        f"            if ((counts[lead] <= {sensor.lowest}) || (counts[lead] >= {sensor.highest})) {{",
        f"                app->faults[{FAULTS.index('saturated')}] = moment;",
        "            }",
        "        }",
        "        app->low[lead] = (app->held[lead] < app->low[lead]) ? app->held[lead] : app->low[lead];",
        "        app->high[lead] = (app->held[lead] > app->high[lead]) ? app->held[lead] : app->high[lead];",
        "    }",
        "    app->judged++;",
        f"    if (app->judged == {plan.quality_block}u) {{",
        f"        for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        "            if (app->low[lead] >= app->high[lead]) {",
        f"                app->faults[{FAULTS.index('flat')}] = moment;",
        "            }",
        "        }",
        "        $begin_block(app);",
        "    }",
        "    if (app->lost != app->reported) {",
        "        app->reported = app->lost;",
        f"        app->faults[{FAULTS.index('lost')}] = moment;",
        "    }",
        "}",
        "",
    ]


def collect_quality(plan: FrontEndPlan, span: str, macro: str) -> list[str]:
    """Return the statements that define `quality`, the flags of the faults among the last values.

    Args:
        plan: The front end.
        span: A C expression: how many values.
        macro: What the names of macros begin with.
    """
    return [
        "    uint32_t quality = 0u;",
        f"    for (uint32_t n = 0u; n < {len(FAULTS)}u; ++n) {{",
        f"        if ((app->faults[n] != 0u) && ((app->made + 1u - app->faults[n]) <= {span})) {{",
        "            quality |= UINT32_C(1) << n;",
        "        }",
        "    }",
        *(
            [
                f"    if (app->made < ({span} + {plan.scale.block}u)) {{",
                f"        quality |= {macro}_QUALITY_WARM_UP;",
                "    }",
            ]
            if plan.scale
            else []
        ),
    ]


def declare_samples(plan: FrontEndPlan, macro: str) -> list[str]:
    """Return the members of an app that its samples need."""
    return [
        "    struct ecg_front_end_state front_end;",
        *([f"    struct ecg_scale_state scales[{plan.leads}];"] if plan.scale else []),
        f"    struct ecg_section_state sections[{max(1, plan.leads * len(plan.sections))}];",
        "    volatile uint32_t stored; /* samples */",
        "    volatile uint32_t taken;",
        "    volatile uint32_t lost;",
        "    uint32_t reported; /* of those that were lost */",
        "    uint32_t made;     /* values for the network */",
        "    uint32_t judged;   /* samples of this second */",
        f"    uint32_t faults[{len(FAULTS)}]; /* 1 + values made before the last sample with each */",
        f"    int16_t history[{2 * plan.taps * plan.leads}];",
        f"    int16_t low[{plan.leads}];",
        f"    int16_t high[{plan.leads}];",
        f"    int16_t held[{plan.leads}];",
        f"    volatile int16_t queue[{macro}_QUEUE_SAMPLES][{plan.leads}];",
    ]
