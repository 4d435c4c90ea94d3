"""The path from counts to beats and rhythms in C; `firmware_bench.front_end.beat_path` has it in Python."""

import numpy as np

from export.c99.beat_pair import BeatPair
from export.c99.c_text import LICENCE, array, with_prefix
from export.c99.emit_answer import calibrate, decide
from export.c99.emit_beat_header import emit_beat_header
from export.c99.emit_header import MARK
from export.c99.emit_samples import (
    begin_samples,
    collect_quality,
    define_front_end,
    emit_app_push,
    emit_begin_block,
    emit_judge_sample,
)
from firmware_bench.front_end.beat_plan import LONGEST_RR, ROWS
from firmware_bench.runtime.quantisation import quantise

KERNELS = ("ecg_front_end_kernel", "ecg_qrs")


def emit_beat_app(pair: BeatPair) -> dict[str, str]:
    """Return the files of the path around both networks: {file name: C text}."""
    plan, macro = pair.plan, pair.prefix.upper()
    lines = [
        LICENCE,
        f"{MARK} */",
        f'#include "{pair.prefix}_app.h"',
        "",
        "#include <string.h>",
        "",
        '#include "ecg_front_end_kernel.h"',
        "",
        "/* What the next slice is: a sample, the choice of what is due, or one of a network. */",
        *(f"#define {macro}_PHASE_{name} {number}" for number, name in enumerate(("TAKE", "CHOOSE", "BEAT", "RHYTHM"))),
        "",
        *define_front_end(plan.front_end),
        *define_front_end(plan.peak_end, "peak_"),
        "/* Integers of RR intervals, by samples of the detector. */",
        array("int8_t", "beat_rr", plan.beat_rr),
        array("int8_t", "rhythm_rr", plan.rhythm_rr),
        "/* The weight of a beat, by the number of beats. */",
        array("int8_t", "weights", plan.weights),
        array("uint16_t", "beat_probabilities", _entries(plan.beat_decision)),
        array("uint16_t", "rhythm_probabilities", _entries(plan.rhythm_decision)),
        "",
        *emit_begin_block(plan.front_end),
        "void $app_init(struct $app *app)",
        "{",
        *begin_samples(plan.front_end),
        "    app->peak_end.history = app->peak_history;",
        "    app->peak_end.sections = app->peak_sections;",
        "    ecg_front_end_start(&$peak_front_end, &app->peak_end);",
        "    ecg_qrs_start(&app->detector);",
        "    (void)memset(app->known, -1, sizeof app->known);",
        "}",
        "",
        *emit_app_push(plan.front_end.leads, macro),
        *emit_judge_sample(pair.sensor, plan.front_end),
        *_take_sample(pair, macro),
        *_prepare_beat(pair),
        *_answer_beat(pair, macro),
        *_prepare_rhythm(pair),
        *_answer_rhythm(pair, macro),
        *_poll(pair, macro),
    ]
    texts = {f"{pair.prefix}_app.h": emit_beat_header(pair), f"{pair.prefix}_app.c": "\n".join(lines)}
    return {name: with_prefix(text, pair.prefix) for name, text in texts.items()}


def _entries(decision):
    assert decision.probabilities is not None
    return decision.probabilities.entries


def _take_sample(pair: BeatPair, macro: str) -> list[str]:
    plan = pair.plan
    leads, up, down = plan.front_end.leads, plan.ratio.numerator, plan.ratio.denominator
    return [
        "/* Take a sample of the queue through both front ends. */",
        "static void $take_sample(struct $app *app)",
        "{",
        f"    int32_t values[{leads}];",
        f"    int16_t counts[{leads}];",
        "    const uint32_t taken = app->taken;",
        f"    for (int lead = 0; lead < {leads}; ++lead) {{",
        f"        counts[lead] = app->queue[taken % {macro}_QUEUE_SAMPLES][lead];",
        "    }",
        "    app->taken = taken + 1u;",
        "    $judge_sample(app, counts);",
        "    ecg_front_end_push(&$front_end, &app->front_end, counts);",
        "    while (ecg_front_end_next(&$front_end, &app->front_end, values) != 0) {",
        f"        (void)memcpy(&app->values[app->position * {leads}], values, sizeof values);",
        f"        app->position = (app->position < {plan.kept - 1}) ? (app->position + 1) : 0;",
        "        app->made++;",
        "    }",
        f"    ecg_front_end_push(&$peak_front_end, &app->peak_end, &counts[{plan.lead}]);",
        "    while (ecg_front_end_next(&$peak_front_end, &app->peak_end, values) != 0) {",
        "        const int32_t age = ecg_qrs_push(&app->detector, ecg_qrs_to_count(values[0]));",
        "        if (age > 0) {",
        f"            app->due[(app->due_first + app->due_count) % {plan.most_due}u] = app->heard - (uint32_t)age;",
        "            app->due_count++;",
        "        }",
        "        app->heard++;",
        "    }",
        "    app->filled++;",
        "}",
        "",
        "/* The sample of the model that is nearest to an R peak. */",
        "static uint32_t $find_centre(uint32_t peak)",
        "{",
        f"    return (uint32_t)((((uint64_t)peak * {2 * up}u) + {down}u) / {2 * down}u);",
        "}",
        "",
    ]


def _prepare_beat(pair: BeatPair) -> list[str]:
    """`prepare_beat`: the window around an R peak, RR intervals and classes before it become inputs."""
    plan, labels, rr = pair.plan, pair.input("labels"), pair.input("rr")
    ecg, leads = pair.input("ecg"), plan.front_end.leads
    off, on = (int(quantise(value, labels.scale, labels.zero_point, np.int8)) for value in (0.0, 1.0))
    value = f"(int8_t)ecg_front_end_quantise(%s, {plan.multiplier}, {plan.shift}, {ecg.zero_point}, -128, 127)"
    ring = f"app->values[(slot * {leads}) + lead]"
    taking = f"app->networks.beats.window[(n * {leads}) + lead] = {ring};"
    scaling = [
        f"    for (int32_t lead = 0; lead < {leads}; ++lead) {{",
        "        const int32_t *const window = &app->networks.beats.window[lead];",
        f"        const struct ecg_window_scale scale = ecg_find_window_scale(window, {plan.length}, {leads});",
        f"        for (int32_t n = 0; n < {plan.length}; ++n) {{",
        f"            const int32_t scaled = ecg_scale_window(&scale, window[n * {leads}]);",
        f"            app->networks.beats.ecg[(n * {leads}) + lead] =",
        f"                {value % 'scaled'};",
        "        }",
        "    }",
    ]
    if not plan.scales:
        scaling, taking = [], f"app->networks.beats.ecg[(n * {leads}) + lead] = {value % ring};"
    count, known, classes = rr.shape[1], labels.shape[1], labels.shape[2]
    inputs = ", ".join(f"app->networks.beats.{tensor.name}" for tensor in pair.classifier.inputs)
    return [
        "/* Give the classifier the first R peak that is due: a window, the RR intervals and the classes before it. */",
        "static void $prepare_beat(struct $app *app)",
        "{",
        "    const uint32_t peak = app->due[app->due_first];",
        f"    const uint32_t span = (app->made - $find_centre(peak)) + {plan.length // 2}u;",
        "    int32_t slot = app->position - (int32_t)span;",
        f"    slot += (slot < 0) ? {plan.kept} : 0;",
        f"    for (int32_t n = 0; n < {plan.length}; ++n) {{",
        f"        for (int32_t lead = 0; lead < {leads}; ++lead) {{",
        f"            {taking}",
        "        }",
        "        slot++;",
        f"        if (slot == {plan.kept}) {{",
        "            slot = 0;",
        "        }",
        "    }",
        *scaling,
        "    app->span = span;",
        "    if (app->has_peak != 0) {",
        f"        (void)memmove(app->intervals, &app->intervals[1], {count - 1}u * sizeof app->intervals[0]);",
        f"        app->intervals[{count - 1}] = "
        f"(int16_t)(((peak - app->last_peak) < {LONGEST_RR}u) ? (peak - app->last_peak) : {LONGEST_RR}u);",
        "    }",
        "    app->last_peak = peak;",
        "    app->has_peak = 1;",
        f"    for (int32_t n = 0; n < {count}; ++n) {{",
        "        app->networks.beats.rr[n] = $beat_rr[app->intervals[n]];",
        "    }",
        f"    for (int32_t n = 0; n < {known}; ++n) {{",
        f"        for (int32_t label = 0; label < {classes}; ++label) {{",
        f"            app->networks.beats.labels[(n * {classes}) + label] = (app->known[n] == label) ? {on} : {off};",
        "        }",
        "    }",
        f"    {pair.beats_prefix}_give(&app->networks.beats.state, {inputs});",
        "}",
        "",
    ]


def _answer_beat(pair: BeatPair, macro: str) -> list[str]:
    plan = pair.plan
    known = pair.input("labels").shape[1]
    label = "(quality == 0u) ? (int8_t)largest : (int8_t)-1" if plan.knows_labels else "(int8_t)-1"
    return [
        "/* Say what the classifier found, and keep the beat for the rhythm. */",
        "static void $answer_beat(struct $app *app, struct $answer *answer)",
        "{",
        "    const uint32_t peak = app->due[app->due_first];",
        f"    const uint32_t place = (app->beat_first + app->beat_count) % {plan.most_beats}u;",
        *collect_quality(plan.front_end, "app->span", macro),
        *decide(plan.beat_decision),
        *calibrate(plan.beat_decision, "beat_probabilities"),
        f"    answer->kind = {macro}_BEAT;",
        "    answer->sample = app->taken;",
        "    answer->quality = quality;",
        "    answer->first = peak;",
        "    answer->end = peak + 1u;",
        "    answer->beats = 1u;",
        f"    (void)memmove(app->known, &app->known[1], {known - 1}u);",
        f"    app->known[{known - 1}] = {label};",
        "    app->centres[place] = $find_centre(peak);",
        f"    app->beat_intervals[place] = app->intervals[{pair.input('rr').shape[1] - 1}];",
        "    $pair_row(app->fused, app->rows[place]);",
        "    app->beat_count++;",
        f"    app->due_first = (app->due_first + 1u) % {plan.most_due}u;",
        "    app->due_count--;",
        "}",
        "",
    ]


def _prepare_rhythm(pair: BeatPair) -> list[str]:
    """`prepare_rhythm`: beats of a window, evenly spaced where there are too many, become inputs."""
    plan = pair.plan
    rows, features = pair.row("features").shape[1:]
    empty = [(name, int(quantise(0.0, t.scale, t.zero_point, np.int8))) for name, t in ((n, pair.row(n)) for n in ROWS)]
    inputs = ", ".join(f"app->networks.rhythm.{tensor.name}" for tensor in pair.rhythm.inputs)
    return [
        "/* Give the other network the beats of the window that is due, and forget those before the next one. Returns",
        "   0 where there are none. */",
        "static int $prepare_rhythm(struct $app *app)",
        "{",
        "    uint32_t skipped = 0u;",
        "    uint32_t own = 0u;",
        "    while ((skipped < app->beat_count) &&",
        f"           (app->centres[(app->beat_first + skipped) % {plan.most_beats}u] < app->start)) {{",
        "        skipped++;",
        "    }",
        "    while (((skipped + own) < app->beat_count) &&",
        f"           (app->centres[(app->beat_first + skipped + own) % {plan.most_beats}u] < "
        f"(app->start + {plan.window}u))) {{",
        "        own++;",
        "    }",
        *(
            f"    (void)memset(app->networks.rhythm.{name}, {zero}, sizeof app->networks.rhythm.{name});"
            for name, zero in empty
        ),
        f"    const uint32_t chosen = (own < {rows}u) ? own : {rows}u;",
        "    for (uint32_t n = 0u; n < chosen; ++n) {",
        f"        const uint32_t number = (own > {rows}u) ? "
        f"(((2u * n * (own - 1u)) + {rows - 1}u) / {2 * (rows - 1)}u) : n;",
        f"        const uint32_t place = (app->beat_first + skipped + number) % {plan.most_beats}u;",
        f"        (void)memcpy(&app->networks.rhythm.features[n * {features}u], app->rows[place], {features}u);",
        "        if (n > 0u) {",
        "            app->networks.rhythm.rr[n] = $rhythm_rr[app->beat_intervals[place]];",
        "        }",
        "        app->networks.rhythm.weights[n] = $weights[chosen];",
        "    }",
        f"    while ((app->beat_count > 0u) && (app->centres[app->beat_first] < (app->start + {plan.hop}u))) {{",
        f"        app->beat_first = (app->beat_first + 1u) % {plan.most_beats}u;",
        "        app->beat_count--;",
        "    }",
        "    app->own = own;",
        "    if (own > 0u) {",
        f"        $give(&app->networks.rhythm.state, {inputs});",
        "    }",
        "    return (own > 0u) ? 1 : 0;",
        "}",
        "",
    ]


def _answer_rhythm(pair: BeatPair, macro: str) -> list[str]:
    plan = pair.plan
    return [
        "/* Say what is known of the window that is due. */",
        "static void $answer_rhythm(struct $app *app, struct $answer *answer)",
        "{",
        "    const uint32_t span = app->made - app->start;",
        *collect_quality(plan.front_end, "span", macro),
        *decide(plan.rhythm_decision),
        *calibrate(plan.rhythm_decision, "rhythm_probabilities"),
        "    if (app->own == 0u) {",
        f"        quality |= {macro}_QUALITY_NO_BEATS;",
        "        answer->classes = 0u;",
        "        (void)memset(answer->probabilities, 0, sizeof answer->probabilities);",
        "    }",
        f"    answer->kind = {macro}_RHYTHM;",
        "    answer->sample = app->taken;",
        "    answer->quality = quality;",
        "    answer->first = app->start;",
        f"    answer->end = app->start + {plan.window}u;",
        "    answer->beats = app->own;",
        f"    app->start += {plan.hop}u;",
        "}",
        "",
    ]


def _poll(pair: BeatPair, macro: str) -> list[str]:
    plan, beats = pair.plan, pair.beats_prefix
    places = {"fused": "app->fused", "probabilities": "answer->outputs"}
    outputs = ", ".join(places[tensor.name] for tensor in pair.classifier.outputs)
    return [
        "/* Choose what follows a block of samples: its beats, then its rhythm, then the next block. */",
        "static int $choose(struct $app *app, struct $answer *answer)",
        "{",
        "    int result = 1;",
        f"    if ((app->due_count > 0u) && (($find_centre(app->due[app->due_first]) + {plan.after}u) <= app->made)) {{",
        "        $prepare_beat(app);",
        f"        app->phase = {macro}_PHASE_BEAT;",
        f"    }} else if ((app->start + {plan.window + plan.after}u) > app->made) {{",
        f"        app->phase = {macro}_PHASE_TAKE;",
        "    } else if ($prepare_rhythm(app) != 0) {",
        f"        app->phase = {macro}_PHASE_RHYTHM;",
        "    } else {",
        "        (void)memset(answer->outputs, 0, sizeof answer->outputs);",
        "        $answer_rhythm(app, answer);",
        "        result = 2;",
        "    }",
        "    return result;",
        "}",
        "",
        "int $app_poll(struct $app *app, struct $answer *answer)",
        "{",
        "    int result = 1;",
        "    switch (app->phase) {",
        f"    case {macro}_PHASE_TAKE:",
        "        if (app->taken == app->stored) {",
        "            result = 0;",
        "        } else {",
        "            $take_sample(app);",
        f"            if (app->filled == {plan.block}) {{",
        "                app->filled = 0;",
        f"                app->phase = {macro}_PHASE_CHOOSE;",
        "            }",
        "        }",
        "        break;",
        f"    case {macro}_PHASE_CHOOSE:",
        "        result = $choose(app, answer);",
        "        break;",
        f"    case {macro}_PHASE_BEAT:",
        f"        if ({beats}_compute_slice(&app->networks.beats.state, {outputs}) != 0) {{",
        "            $answer_beat(app, answer);",
        f"            app->phase = {macro}_PHASE_CHOOSE;",
        "            result = 2;",
        "        }",
        "        break;",
        "    default:",
        "        if ($compute_slice(&app->networks.rhythm.state, answer->outputs) != 0) {",
        "            $answer_rhythm(app, answer);",
        f"            app->phase = {macro}_PHASE_CHOOSE;",
        "            result = 2;",
        "        }",
        "        break;",
        "    }",
        "    return result;",
        "}",
        "",
    ]
