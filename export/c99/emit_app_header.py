"""The header of the path around a network: what firmware has to know, the memory of one signal, the functions."""

import re

import numpy as np

from export.c99.c_text import LICENCE, comment, ctype
from export.c99.emit_header import EXTERN_C_BEGIN, EXTERN_C_END, MARK, string_literal
from export.c99.emit_samples import declare_samples
from export.c99.emit_score import declare_score
from export.c99.lower import StepProgram
from firmware_bench.front_end.device_plan import Decision, scales_windows
from firmware_bench.front_end.plan import FrontEndPlan
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.front_end.sample_models import FEED
from firmware_bench.front_end.window_score import SCORE_BITS, is_reconstructing
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.temperature import ONE

QUEUE_S = 1.0  # of samples that wait while the network computes


def name_classes(labels: tuple[str, ...]) -> list[str]:
    """Return a C name for each label, letters, digits and underscores: "AF" → "AF", "~" → "LABEL_3"."""
    names: list[str] = []
    for number, label in enumerate(labels):
        name = re.sub(r"\W+", "_", label, flags=re.ASCII).strip("_").upper()[:40]
        names.append(name if name and name not in names else f"LABEL_{number}")
    return names


def emit_app_header(
    program: StepProgram, metadata: ModelMetadata, plan: FrontEndPlan, decision: Decision, prefix: str
) -> str:
    """The text of the header.

    Args:
        program: The network's program.
        metadata: The file's metadata.
        plan: The front end.
        decision: How outputs become labels.
        prefix: What every name of the model begins with.

    Returns:
        C text, which is C++ as well, with `$` for the prefix.
    """
    macro, value, scored = prefix.upper(), ctype(program.dtype), is_reconstructing(metadata)
    every, _, context = measure_answers(program, metadata)
    delay = plan.half_length + -(-context * plan.down // plan.up)
    kind = "of which the largest is the label" if decision.thresholds is None else "each with a threshold"
    lines = [
        LICENCE,
        f"{MARK} From the counts of a sensor to labels. */",
        f"#ifndef {macro}_APP_H",
        f"#define {macro}_APP_H",
        "",
        f'#include "{prefix}.h"',
        '#include "ecg_front_end.h"',
        *(['#include "ecg_window_score.h"'] if scored else []),
        "",
        *EXTERN_C_BEGIN,
        "",
        *describe_sensor(metadata, plan, macro),
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
        *(
            [f"    int32_t outputs[2]; /* the threshold, and the score of the window; {1 << SCORE_BITS} is 1 */"]
            if scored
            else [
                f"    {value} outputs[{len(decision.labels)}];",
                f"    uint16_t probabilities[{len(decision.labels)}]; /* calibrated; {ONE} is 1 */",
            ]
        ),
        "};",
        "",
        *declare_queue(plan, prefix),
        "/* All memory of one signal. Its members are not for the caller. */",
        f"struct {prefix}_app {{",
        f"    struct {prefix}_state network;",
        *(["    int is_due;        /* whether an answer is being computed */"] if program.is_sliced else []),
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
        *(declare_score(program, prefix) if scored else []),
        *declare_samples(plan, macro),
        "};",
        "",
        *declare_functions(prefix),
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


def describe_sensor(metadata: ModelMetadata, plan: FrontEndPlan, macro: str) -> list[str]:
    """Return the macros of the sensor and of the model's file."""
    gains = ", ".join(f"{gain:g}" for gain in plan.counts_per_unit)
    leads = ", ".join(string_literal(lead)[1:-1] for lead in metadata.leads)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(metadata.versions.items()))
    return [
        f"#define {macro}_SENSOR_RATE_HZ {float(plan.sensor_fs)!r}f",
        *comment(f"Counts in 1 {_plain(metadata.units)} of each lead: {gains}; leads: {leads}."),
        f"#define {macro}_UNIT {string_literal(metadata.units)}",
        f"#define {macro}_MODEL_SHA256 {string_literal(metadata.digest)}",
        f"#define {macro}_MODEL_VERSIONS {string_literal(versions)}",
    ]


def declare_queue(plan: FrontEndPlan, prefix: str) -> list[str]:
    """Return the macro of the queue's length."""
    macro, queue = prefix.upper(), 1 << int(np.ceil(np.log2(max(16.0, QUEUE_S * plan.sensor_fs))))
    return [
        *comment(
            f"Samples that wait until {prefix}_app_poll takes them: a power of two, more than arrive while it computes "
            "its longest slice."
        ),
        f"#ifndef {macro}_QUEUE_SAMPLES",
        f"#define {macro}_QUEUE_SAMPLES {queue}u",
        "#endif",
        "",
    ]


def declare_functions(prefix: str) -> list[str]:
    """Return the declarations of the path's functions."""
    return [
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
            "Compute a slice: take one stored sample, or go on with the answer that is due. Call it until it returns "
            "0: nothing is left. 1: there may be more; 2: the answer was written."
        ),
        f"int {prefix}_app_poll(struct {prefix}_app *app, struct {prefix}_answer *answer);",
        "",
    ]


def _plain(text: str) -> str:
    return string_literal(text)[1:-1].replace("\\", " ")
