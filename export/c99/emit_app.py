"""The path around a network in C, from counts of a sensor to labels; `firmware_bench.front_end` has it in Python."""

import re

import numpy as np

from export.c99.c_text import LICENCE, array, comment, ctype, structure, with_prefix
from export.c99.emit_header import EXTERN_C_BEGIN, EXTERN_C_END, MARK, string_literal
from export.c99.lower import StepProgram
from firmware_bench.front_end.device_plan import Decision, plan_device, plan_quantisation, scales_windows
from firmware_bench.front_end.plan import FrontEndPlan
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.front_end.sample_models import FEED
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata

PUSH = (
    "ECG_PROFILE(flow);",
    "if ($push(&app->network, sample, answer->outputs) != 0) {",
    "    $write_answer(app, answer);",
    "    result = 2;",
    "}",
)
FAULTS = ("missing", "saturated", "flat", "lost")  # in the order of their flags
MOST_LABELS = 32  # bits of an answer
QUEUE_S = 1.0  # of samples that wait while the network computes


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
    if program.continuous and scales_windows(metadata):
        raise InputError("the model scales whole windows, which no program does every hop: --hop 0, or train with "
                         "--set signal.normalise=running")  # fmt: skip
    if len(decision.labels) > MOST_LABELS:
        raise InputError(f"an answer has {MOST_LABELS} labels at most, the model has {len(decision.labels)}")
    texts = {
        f"{prefix}_app.h": _emit_header(program, metadata, sensor, plan, decision, prefix),
        f"{prefix}_app.c": _emit_source(program, metadata, sensor, plan, decision, prefix),
    }
    return {name: with_prefix(text, prefix) for name, text in texts.items()}


def name_classes(labels: tuple[str, ...]) -> list[str]:
    """Return a C name for each label, letters, digits and underscores: "AF" → "AF", "~" → "LABEL_3"."""
    names: list[str] = []
    for number, label in enumerate(labels):
        name = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_").upper()[:40]
        names.append(name if name and name not in names else f"LABEL_{number}")
    return names


def _emit_header(program, metadata, sensor, plan, decision, prefix):
    macro, value = prefix.upper(), ctype(program.dtype)
    every, _, context = measure_answers(program, metadata)
    delay = plan.half_length + -(-context * plan.down // plan.up)
    queue = 1 << int(np.ceil(np.log2(max(16.0, QUEUE_S * plan.sensor_fs))))
    gains = ", ".join(f"{gain:g}" for gain in plan.counts_per_unit)
    leads = ", ".join(string_literal(lead)[1:-1] for lead in metadata.leads)
    kind = "of which the largest is the label" if decision.thresholds is None else "each with a threshold"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(metadata.versions.items()))
    lines = [
        LICENCE,
        f"{MARK} From the counts of a sensor to labels. */",
        f"#ifndef {macro}_APP_H",
        f"#define {macro}_APP_H",
        "",
        f'#include "{prefix}.h"',
        '#include "ecg_front_end.h"',
        "",
        *EXTERN_C_BEGIN,
        "",
        f"#define {macro}_SENSOR_RATE_HZ {float(plan.sensor_fs)!r}f",
        *comment(f"Counts in 1 {_plain(metadata.units)} of each lead: {gains}; leads: {leads}."),
        f"#define {macro}_UNIT {string_literal(metadata.units)}",
        f"#define {macro}_MODEL_SHA256 {string_literal(metadata.digest)}",
        f"#define {macro}_MODEL_VERSIONS {string_literal(versions)}",
        *comment(
            f"An answer comes every {macro}_ANSWER_SAMPLES samples at the model's rate; the signal it is about ended "
            f"{macro}_DELAY_SAMPLES samples of the sensor before."
        ),
        f"#define {macro}_ANSWER_SAMPLES {every}",
        f"#define {macro}_DELAY_SAMPLES {delay}",
        "",
        f"/* The labels: {len(decision.labels)} outputs, {kind}. */",
        f"enum {prefix}_class {{",
        *(f"    {macro}_CLASS_{name} = {number}," for number, name in enumerate(name_classes(decision.labels))),
        "};",
        "",
        "/* What was wrong with the samples that an answer is about; do not show one with a flag as sure. */",
        *(f"#define {macro}_QUALITY_{name.upper().replace('-', '_')} {flag}u" for name, flag in QUALITY.items()),
        "",
        f"struct {prefix}_answer {{",
        "    uint32_t sample;  /* samples of the sensor taken so far */",
        "    uint32_t classes; /* bit n is set where label n is present */",
        "    uint32_t quality;",
        f"    {value} outputs[{len(decision.labels)}];",
        "};",
        "",
        *comment(
            f"Samples that wait until {prefix}_app_poll takes them: a power of two, more than arrive while it computes "
            "its longest slice."
        ),
        f"#ifndef {macro}_QUEUE_SAMPLES",
        f"#define {macro}_QUEUE_SAMPLES {queue}u",
        "#endif",
        "",
        "/* All memory of one signal. Its members are not for the caller. */",
        f"struct {prefix}_app {{",
        f"    struct {prefix}_state network;",
        "    struct ecg_front_end_state front_end;",
    ]
    if plan.scale:
        lines.append(f"    struct ecg_scale_state scales[{plan.leads}];")
    lines += [
        f"    struct ecg_section_state sections[{max(1, plan.leads * len(plan.sections))}];",
        "    volatile uint32_t stored; /* samples */",
        "    volatile uint32_t taken;",
        "    volatile uint32_t lost;",
        "    uint32_t reported; /* of those that were lost */",
        "    uint32_t made;     /* values for the network */",
        "    uint32_t judged;   /* samples of this second */",
        f"    uint32_t faults[{len(FAULTS)}]; /* 1 + values made before the last sample with each */",
        *(
            [
                f"    struct ecg_window_scale window_scales[{plan.leads}];",
                "    int32_t filled;",
                "    int32_t fed;",
                f"    int32_t window[{plan.leads * program.inputs[0].storage.rows}];",
            ]
            if scales_windows(metadata)
            else []
        ),
        f"    int16_t history[{2 * plan.taps * plan.leads}];",
        f"    int16_t low[{plan.leads}];",
        f"    int16_t high[{plan.leads}];",
        f"    int16_t held[{plan.leads}];",
        f"    volatile int16_t queue[{macro}_QUEUE_SAMPLES][{plan.leads}];",
        "};",
        "",
        "/* Begin a recording. */",
        f"void {prefix}_app_init(struct {prefix}_app *app);",
        "",
        *comment(
            f"Store a sample of the sensor, one count of each lead; ECG_MISSING where none was taken. It computes "
            f"nothing: an interrupt may call it while {prefix}_app_poll runs on the same core. Returns 0 where the "
            "queue is full and the sample is lost."
        ),
        f"int {prefix}_app_push(struct {prefix}_app *app, const int16_t *counts);",
        "",
        *comment(
            "Compute what one stored sample asks for. Returns 0 where none is stored, 1 where one was taken, 2 where "
            "the answer was written as well."
        ),
        f"int {prefix}_app_poll(struct {prefix}_app *app, struct {prefix}_answer *answer);",
        "",
        *EXTERN_C_END,
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def measure_answers(program: StepProgram, metadata: ModelMetadata) -> tuple[int, int, int]:
    """Return samples from answer to answer, samples that one is about, and samples that it waits for behind these."""
    if loop := program.continuous:
        return loop.hop_samples, loop.span, loop.context
    if loop := program.streaming:
        return loop.step, loop.window, loop.delay * loop.step
    samples = program.inputs[0].storage.rows
    late = -(-samples // FEED) if scales_windows(metadata) else 0
    return samples, samples + late, late


def _plain(text: str) -> str:
    return string_literal(text)[1:-1].replace("\\", " ")


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
        *_decide(decision),
        "}",
        "",
        "int $app_poll(struct $app *app, struct $answer *answer)",
        "{",
        f"    int16_t counts[{plan.leads}];",
        f"    int32_t values[{plan.leads}];",
        f"    {value} sample[{plan.leads}];",
        "    int result = 1;",
        "    const uint32_t taken = app->taken;",
        "    if (taken == app->stored) {",
        "        return 0;",
        "    }",
        f"    for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        f"        counts[lead] = app->queue[taken % {macro}_QUEUE_SAMPLES][lead];",
        "    }",
        "    app->taken = taken + 1u;",
        "    $judge_sample(app, counts);",
        "    ECG_PROFILE(front_end);",
        "    ecg_front_end_push(&$front_end, &app->front_end, counts);",
        "    while (ecg_front_end_next(&$front_end, &app->front_end, values) != 0) {",
        "        app->made++;",
        *(_feed_window(plan, quantised, program) if scales_windows(metadata) else _feed_sample(plan, quantised)),
        "        ECG_PROFILE(front_end);",
        "    }",
        "    ECG_PROFILE(flow);",
        "    return result;",
        "}",
        "",
    ]
    return "\n".join(lines)


def _feed_sample(plan: FrontEndPlan, quantised: str) -> list[str]:
    """Hand a value of each lead to the network."""
    return [
        f"        for (int lead = 0; lead < {plan.leads}; ++lead) {{",
        f"            sample[lead] = {quantised % 'values[lead]'};",
        "        }",
        *(f"        {line}" for line in PUSH),
    ]


def _feed_window(plan: FrontEndPlan, quantised: str, program: StepProgram) -> list[str]:
    """Hand some values of the last window to the network, and keep a value of each lead for the next one."""
    samples, leads = program.inputs[0].storage.rows, plan.leads
    scaled = quantised % f"ecg_scale_window(&app->window_scales[lead], app->window[(app->fed * {leads}) + lead])"
    return [
        f"        for (int n = 0; (n < {FEED}) && (app->fed < {samples}); ++n) {{",
        f"            for (int lead = 0; lead < {leads}; ++lead) {{",
        f"                sample[lead] = {scaled};",
        "            }",
        "            app->fed++;",
        *(f"            {line}" for line in PUSH),
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


def _decide(decision: Decision) -> list[str]:
    count = len(decision.labels)
    if decision.thresholds is not None:
        return [
            "    answer->classes = 0u;",
            f"    for (uint32_t n = 0; n < {count}u; ++n) {{",
            "        answer->classes |= (answer->outputs[n] >= $thresholds[n]) ? (UINT32_C(1) << n) : 0u;",
            "    }",
        ]
    return [
        "    uint32_t largest = 0u;",
        f"    for (uint32_t n = 1u; n < {count}u; ++n) {{",
        "        largest = (answer->outputs[n] > answer->outputs[largest]) ? n : largest;",
        "    }",
        "    answer->classes = UINT32_C(1) << largest;",
    ]
