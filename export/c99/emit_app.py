"""The path around a network in C, from counts of a sensor to labels; `firmware_bench.front_end` has it in Python."""

import numpy as np

from export.c99.c_text import LICENCE, array, ctype, with_prefix
from export.c99.emit_answer import calibrate, decide
from export.c99.emit_app_header import emit_app_header, measure_answers
from export.c99.emit_header import MARK
from export.c99.emit_poll import DIRECT, emit_poll
from export.c99.emit_samples import (
    begin_samples,
    collect_quality,
    define_front_end,
    emit_app_push,
    emit_begin_block,
    emit_judge_sample,
)
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
        *define_front_end(plan),
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
        *emit_begin_block(plan),
        "void $app_init(struct $app *app)",
        "{",
        *begin_samples(plan),
        *([f"    app->fed = {program.inputs[0].storage.rows};"] if scales_windows(metadata) else []),
        "    $reset(&app->network);",
        "}",
        "",
        *emit_app_push(plan.leads, macro),
        *emit_judge_sample(sensor, plan),
        "static void $write_answer(struct $app *app, struct $answer *answer)",
        "{",
        *collect_quality(plan, f"{span}u", macro),
        "    answer->sample = app->taken;",
        "    answer->quality = quality;",
        *decide(decision),
        *calibrate(decision),
        "}",
        "",
        *emit_poll(program, plan, quantised, macro, network, scales_windows(metadata)),
    ]
    return "\n".join(lines)
