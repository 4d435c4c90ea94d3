"""The path around a network in C, from counts of a sensor to labels; `firmware_bench.front_end` has it in Python."""

import numpy as np

from export.c99.c_text import LICENCE, array, ctype, structure, with_prefix
from export.c99.emit_answer import calibrate, decide
from export.c99.emit_app_header import FAULTS, emit_app_header, measure_answers
from export.c99.emit_header import MARK
from export.c99.emit_poll import DIRECT, emit_poll
from export.c99.emit_score import define_score, score_answers
from export.c99.lower import StepProgram
from firmware_bench.front_end.device_plan import Decision, plan_device, plan_quantisation, scales_windows
from firmware_bench.front_end.plan import FrontEndPlan
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.front_end.window_score import is_reconstructing, plan_window_score
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata

MOST_LABELS = 32  # bits of an answer


def emit_app(program: StepProgram, metadata: ModelMetadata, sensor: Sensor, prefix: str) -> dict[str, str]:
    """Return the files of the path around a network.

    Args:
        program: The network's program.
        metadata: The file's metadata.
        sensor: The sensor.
        prefix: What every name of the model begins with.

    Returns:
        {file name: C text}: PREFIX_app.h and PREFIX_app.c.

    Raises:
        InputError: There is no such path for the model, or the network takes its window at once.
    """
    plan, decision = plan_device(metadata, sensor)
    if not (program.has_push or program.streaming):
        raise InputError("the network takes a window at once, not sample by sample: there is no path to it")
    if program.continuous and is_reconstructing(metadata):
        raise InputError("the model scores whole windows, not every hop: leave out --hop")
    if program.continuous and scales_windows(metadata):
        raise InputError("the model scales whole windows, which no program does every hop: --hop 0, or train with "
                         "--set signal.normalise=running")  # fmt: skip
    if len(decision.labels) > MOST_LABELS:
        raise InputError(f"an answer has {MOST_LABELS} labels at most, the model has {len(decision.labels)}")
    texts = {
        f"{prefix}_app.h": emit_app_header(program, metadata, plan, decision, prefix),
        f"{prefix}_app.c": _emit_source(program, metadata, sensor, plan, decision, prefix),
    }
    return {name: with_prefix(text, prefix) for name, text in texts.items()}


def _emit_source(program, metadata, sensor: Sensor, plan: FrontEndPlan, decision: Decision, prefix):
    macro, value, bounds = prefix.upper(), ctype(program.dtype), np.iinfo(program.dtype)
    signal = next(t for t in metadata.inputs if t.name not in ("valid", "share") and len(t.shape) >= 3)
    multiplier, shift = plan_quantisation(signal)
    sections = (
        ",\n".join(f"    {{{s.b0}, {s.b1}, {s.b2}, {-s.a1}, {-s.a2}, {int(s.passes_constant)}}}" for s in plan.sections)
        or "    {0, 0, 0, 0, 0, 0}"
    )
    front_end = structure(
        "ecg_front_end",
        "front_end",
        phases="$phases",
        multipliers="$multipliers",
        shifts="$shifts",
        baselines="$baselines",
        sections="$sections",
        leads=plan.leads,
        up=plan.up,
        down=plan.down,
        half_length=plan.half_length,
        taps=plan.taps,
        section_count=len(plan.sections),
        block=plan.scale.block if plan.scale else 0,
        memory=plan.scale.memory if plan.scale else 0,
    )
    lines = [
        LICENCE,
        f"{MARK} */",
        f'#include "{prefix}_app.h"',
        "",
        "#include <string.h>",
        "",
        '#include "ecg_front_end_kernel.h"',
        *([f'#include "ecg_window_score_s{8 * program.bytes}.h"'] if is_reconstructing(metadata) else []),
        "",
        "#ifndef ECG_PROFILE /* called with the name of every part that begins, for profiling */",
        "#define ECG_PROFILE(step) ((void)0)",
        "#endif",
        "",
        array("int16_t", "phases", plan.phases[:, ::-1]),
        array("int32_t", "multipliers", plan.multipliers),
        array("int32_t", "shifts", plan.shifts),
        array("int32_t", "baselines", plan.baselines),
        f"static const struct ecg_front_end_section $sections[{max(1, len(plan.sections))}] = {{\n{sections},\n}};",
        front_end,
    ]
    if decision.thresholds is not None:
        lines.append(array("int32_t", "thresholds", decision.thresholds))
    if decision.probabilities is not None:
        lines.append(array("uint16_t", "probabilities", decision.probabilities.entries))
    network = DIRECT
    if is_reconstructing(metadata):
        score = plan_window_score(metadata)
        lines += define_score(score)
        network = score_answers(program, metadata, score)
    _, span, _ = measure_answers(program, metadata)
    quantised = (
        f"({value})ecg_front_end_quantise(%s, {multiplier}, {shift}, {signal.zero_point}, {bounds.min}, {bounds.max})"
    )
    lines += [
        "",
        "static void $begin_block(struct $app *app)",
        "{",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        "        app->low[lead] = INT16_MAX;",
        "        app->high[lead] = INT16_MIN;",
        "    }",
        "    app->judged = 0u;",
        "}",
        "",
        "void $app_init(struct $app *app)",
        "{",
        "    (void)memset(app, 0, sizeof *app);",
        "    app->front_end.history = app->history;",
        "    app->front_end.sections = app->sections;",
        *(["    app->front_end.scales = app->scales;"] if plan.scale else []),
        "    ecg_front_end_start(&$front_end, &app->front_end);",
        *([f"    app->fed = {program.inputs[0].storage.rows};"] if scales_windows(metadata) else []),
        "    $reset(&app->network);",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        "        app->held[lead] = (int16_t)$baselines[lead];",
        "    }",
        "    $begin_block(app);",
        "}",
        "",
        "int $app_push(struct $app *app, const int16_t *counts)",
        "{",
        "    const uint32_t stored = app->stored;",
        f"    if ((stored - app->taken) >= {macro}_QUEUE_SAMPLES) {{",
        "        app->lost++;",
        "        return 0;",
        "    }",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        f"        app->queue[stored % {macro}_QUEUE_SAMPLES][lead] = counts[lead];",
        "    }",
        "    app->stored = stored + 1u; /* after the counts are there */",
        "    return 1;",
        "}",
        "",
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
        "static void $write_answer(struct $app *app, struct $answer *answer)",
        "{",
        "    uint32_t quality = 0u;",
        f"    for (uint32_t n = 0u; n < {len(FAULTS)}u; ++n) {{",
        f"        if ((app->faults[n] != 0u) && ((app->made + 1u - app->faults[n]) <= {span}u)) {{",
        "            quality |= UINT32_C(1) << n;",
        "        }",
        "    }",
        *(
            [
                f"    if (app->made < {span + plan.scale.block}u) {{",
                f"        quality |= {macro}_QUALITY_WARM_UP;",
                "    }",
            ]
            if plan.scale
            else []
        ),
        "    answer->sample = app->taken;",
        "    answer->quality = quality;",
        *decide(decision),
        *calibrate(decision),
        "}",
        "",
        *emit_poll(program, plan, quantised, macro, network, scales_windows(metadata)),
    ]
    return "\n".join(lines)
