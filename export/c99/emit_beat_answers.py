"""What the two networks of a pair are given in C, and what is said of their outputs."""

import numpy as np

from export.c99.beat_pair import BeatPair
from export.c99.emit_answer import calibrate, decide
from export.c99.emit_samples import collect_quality
from firmware_bench.front_end.beat_plan import LONGEST_RR, ROWS
from firmware_bench.front_end.own_beats import AVERAGE_BITS, MEAN_OF, RATIO_STEPS, SHARE_BITS
from firmware_bench.runtime.quantisation import quantise


def prepare_beat(pair: BeatPair) -> list[str]:
    """Return `prepare_beat`: the window around an R peak, RR intervals and classes before it become inputs."""
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
        *(
            ["    $compare_beat(app);"]
            if plan.own
            else [
                f"    for (int32_t n = 0; n < {count}; ++n) {{",
                "        app->networks.beats.rr[n] = $beat_rr[app->intervals[n]];",
                "    }",
            ]
        ),
        f"    for (int32_t n = 0; n < {known}; ++n) {{",
        f"        for (int32_t label = 0; label < {classes}; ++label) {{",
        f"            app->networks.beats.labels[(n * {classes}) + label] = (app->known[n] == label) ? {on} : {off};",
        "        }",
        "    }",
        f"    {pair.beats_prefix}_give(&app->networks.beats.state, {inputs});",
        "}",
        "",
    ]


def compare_beat(pair: BeatPair) -> list[str]:
    """Return `compare_beat`, as firmware_bench.front_end.own_beats has it, where the classifier is given that."""
    plan, count, leads = pair.plan, pair.input("rr").shape[1], pair.plan.front_end.leads
    if not plan.own:
        return []
    own, sample, newest = plan.own, f"(n * {leads}) + lead", MEAN_OF - 1
    quantised = f"ecg_front_end_quantise(total, {own.multiplier}, {own.shift}, {own.zero_point}, -128, 127)"
    return [
        "/* Relate the RR interval after the first R peak that is due to the mean of the last ones. */",
        "static void $relate_interval(struct $app *app)",
        "{",
        f"    const uint32_t next = app->due[(app->due_first + 1u) % {plan.most_due}u];",
        f"    const uint32_t interval = (app->due_count > 1u) ? (next - app->due[app->due_first]) : {own.longest}u;",
        "    uint32_t total = 0u;",
        "    uint32_t ratio;",
        f"    (void)memmove(app->own_intervals, &app->own_intervals[1], {newest}u * sizeof app->own_intervals[0]);",
        f"    app->own_intervals[{newest}] = (uint16_t)((interval < {own.longest}u) ? interval : {own.longest}u);",
        f"    app->own_count += (app->own_count < {MEAN_OF}u) ? 1u : 0u;",
        f"    for (int32_t n = 0; n < {MEAN_OF}; ++n) {{",
        "        total += app->own_intervals[n];",
        "    }",
        f"    ratio = (({2 * RATIO_STEPS}u * app->own_count * app->own_intervals[{newest}]) + total) / (2u * total);",
        "    app->networks.beats.own[0] = $own_means[((2u * total) + app->own_count) / (2u * app->own_count)];",
        f"    (void)memmove(app->ratios, &app->ratios[1], {count - 1}u);",
        f"    app->ratios[{count - 1}] = (uint8_t)((ratio < {len(own.ratios) - 1}u) ? ratio : {len(own.ratios) - 1}u);",
        "}",
        "",
        "/* Compare the first R peak that is due with the patient's own RR intervals and average beat. */",
        "static void $compare_beat(struct $app *app)",
        "{",
        "    $relate_interval(app);",
        f"    for (int32_t n = 0; n < {count}; ++n) {{",
        "        app->networks.beats.rr[n] = $own_ratios[app->ratios[n]];",
        "    }",
        f"    for (int32_t lead = 0; lead < {leads}; ++lead) {{",
        "        int32_t total = 0;",
        f"        for (int32_t n = 0; n < {own.stop - own.begin}; ++n) {{",
        f"            const int32_t value = app->networks.beats.ecg[((n + {own.begin}) * {leads}) + lead] * "
        f"{1 << AVERAGE_BITS};",
        f"            const int32_t before = (app->has_average != 0) ? app->average[{sample}] : value;",
        "            const int32_t difference = value - before;",
        "            total += (difference < 0) ? -difference : difference;",
        f"            app->average[{sample}] = (int16_t)(before + "
        f"ecg_asr(ecg_clamp(difference, -{own.step}, {own.step}), {SHARE_BITS}));",
        "        }",
        f"        app->networks.beats.own[1 + lead] = (int8_t){quantised};",
        "    }",
        "    app->has_average = 1;",
        "}",
        "",
    ]


def answer_beat(pair: BeatPair, macro: str) -> list[str]:
    """Return `answer_beat`, which says what the classifier found. macro: what the names of macros begin with."""
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


def prepare_rhythm(pair: BeatPair) -> list[str]:
    """Return `prepare_rhythm`: beats of a window, evenly spaced where there are too many, become inputs."""
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


def answer_rhythm(pair: BeatPair, macro: str) -> list[str]:
    """Return `answer_rhythm`, which says what is known of a window. macro: what the names of macros begin with."""
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
