"""The path from counts to beats and rhythms in C; `firmware_bench.front_end.beat_path` has it in Python."""

from export.c99.beat_pair import BeatPair
from export.c99.c_text import LICENCE, array, with_prefix
from export.c99.emit_beat_answers import answer_beat, answer_rhythm, compare_beat, prepare_beat, prepare_rhythm
from export.c99.emit_beat_header import emit_beat_header
from export.c99.emit_header import MARK
from export.c99.emit_samples import (
    begin_samples,
    define_front_end,
    emit_app_push,
    emit_begin_block,
    emit_judge_sample,
)

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
        *([] if plan.own else [array("int8_t", "beat_rr", plan.beat_rr)]),
        array("int8_t", "rhythm_rr", plan.rhythm_rr),
        *(
            [
                "/* Integers of relative RR intervals, and of a mean one by samples of the detector. */",
                array("int8_t", "own_ratios", plan.own.ratios),
                array("int8_t", "own_means", plan.own.means),
            ]
            if plan.own
            else []
        ),
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
        *compare_beat(pair),
        *prepare_beat(pair),
        *answer_beat(pair, macro),
        *prepare_rhythm(pair),
        *answer_rhythm(pair, macro),
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


def _poll(pair: BeatPair, macro: str) -> list[str]:
    plan, beats = pair.plan, pair.beats_prefix
    places = {"fused": "app->fused", "probabilities": "answer->outputs"}
    outputs = ", ".join(places[tensor.name] for tensor in pair.classifier.outputs)
    complete = f"($find_centre(app->due[app->due_first]) + {plan.after}u) <= app->made"
    if plan.own:
        followed = f"(app->due_count > 1u) || ((app->heard - app->due[app->due_first]) >= {plan.wait}u)"
        complete = f"({complete}) && ({followed})"
    return [
        "/* Choose what follows a block of samples: its beats, then its rhythm, then the next block. */",
        "static int $choose(struct $app *app, struct $answer *answer)",
        "{",
        "    int result = 1;",
        f"    if ((app->due_count > 0u) && ({complete})) {{",
        "        $prepare_beat(app);",
        f"        app->phase = {macro}_PHASE_BEAT;",
        f"    }} else if ((app->start + {plan.window + plan.rhythm_after}u) > app->made) {{",
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
