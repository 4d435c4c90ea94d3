"""A record that a generated program replays: counts that are drawn in integers, and the answers to them."""

import dataclasses
import math

import numpy as np

from export.c99.c_text import LICENCE, array, ctype, with_prefix
from export.c99.continuous_model import ContinuousModel
from export.c99.emit_app_header import measure_answers
from export.c99.lower import StepProgram
from export.c99.reference_kernels import ReferenceModel
from firmware_bench.front_end.device_path import DeviceAnswer, DevicePath
from firmware_bench.front_end.plan import MISSING, FrontEndPlan
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.front_end.sensor import Sensor

ANSWERS = 4  # at least, of a record
FAULTS_S = 12.0  # at least, in which the faults lie: a lead is flat where it is so for a whole second of the clock
SEED = 2026
# Waves of a beat: moment, width (s) and height in thousandths of a unit.
WAVES = ((0.10, 0.025, 120), (0.22, 0.009, -120), (0.24, 0.011, 1000), (0.265, 0.010, -220), (0.46, 0.045, 260))
BEAT_S = 0.6  # the shortest; a beat is up to half as long again


@dataclasses.dataclass(frozen=True)
class ReplayRecord:
    """How the counts of a record are drawn.

    Attributes:
        samples: Its length.
        beat: The shape of a beat in thousandths of a unit, at the sensor's rate.
        amplitudes, baselines: Counts of each lead in a unit, and those that stand for 0.
        lowest, highest: Counts at which the sensor saturates.
        missing, saturated, flat: First sample and the one behind the last that are so in the first lead.
    """

    samples: int
    beat: tuple[int, ...]
    amplitudes: tuple[int, ...]
    baselines: tuple[int, ...]
    lowest: int
    highest: int
    missing: tuple[int, int]
    saturated: tuple[int, int]
    flat: tuple[int, int]

    def draw(self) -> np.ndarray:
        """Return the counts, int16 (samples, leads), as the C code draws them."""
        seed, phase, length, tall = SEED, 0, 0, 0

        def draw(limit):
            nonlocal seed
            seed = (seed * 1664525 + 1013904223) % (1 << 32)
            return (seed >> 16) % limit

        counts = np.zeros((self.samples, len(self.amplitudes)), np.int16)
        for n in range(self.samples):
            if phase == length:
                phase, length, tall = 0, len(self.beat) + draw(len(self.beat) // 2 + 1), 512 + draw(1024)
            wave = math.trunc(self.beat[phase] * tall / 1000) if phase < len(self.beat) else 0
            for lead, (amplitude, baseline) in enumerate(zip(self.amplitudes, self.baselines, strict=True)):
                noise = amplitude // 50
                value = baseline + math.trunc(wave * amplitude / 1000) + draw(2 * noise + 1) - noise
                counts[n, lead] = min(max(value, self.lowest), self.highest)
            phase += 1
            for (first, end), value in (
                (self.missing, MISSING), (self.saturated, self.highest), (self.flat, self.baselines[0])
            ):  # fmt: skip
                if first <= n < end:
                    counts[n, 0] = value
        return counts


def plan_replay(plan: FrontEndPlan, sensor: Sensor, first: int, every: int) -> ReplayRecord:
    """Plan a record that is long enough for some answers, with faults after the first one.

    Args:
        plan: The front end.
        sensor: The sensor.
        first: Samples of the model up to the first answer.
        every: Samples of the model from answer to answer.
    """

    def at_sensor(samples):
        return -(-samples * plan.down // plan.up) + plan.half_length + 1

    fs = float(plan.sensor_fs)
    begin, answer = at_sensor(first), at_sensor(every)
    length = max((ANSWERS - 1) * answer, round(FAULTS_S * fs) + answer)
    samples = begin + length
    quarter = (length - answer) // 4  # an answer follows the last fault
    seconds = np.arange(round(BEAT_S * fs)) / fs
    beat = sum(height * np.exp(-(((seconds - moment) / width) ** 2) / 2) for moment, width, height in WAVES)
    return ReplayRecord(
        samples,
        tuple(round(float(value)) for value in np.atleast_1d(beat)) or (0,),
        tuple(min(max(round(abs(gain)), 1), 32767) for gain in plan.counts_per_unit),
        tuple(int(baseline) for baseline in plan.baselines),
        sensor.lowest,
        sensor.highest,
        (begin + quarter, begin + quarter + max(1, round(0.1 * fs))),
        (begin + 2 * quarter, begin + 2 * quarter + max(1, round(0.02 * fs))),
        (begin + 3 * quarter, begin + 3 * quarter + 2 * plan.quality_block),
    )


def emit_record(record: ReplayRecord) -> str:
    """Return C text: a function that draws sample after sample of a record."""
    leads = len(record.amplitudes)
    faults = [
        f"    if ((n >= {first}u) && (n < {end}u)) {{\n        counts[0] = {count};\n    }}"
        for (first, end), count in (
            (record.missing, "ECG_MISSING"), (record.saturated, record.highest), (record.flat, record.baselines[0])
        )
    ]  # fmt: skip
    return f"""{array("int16_t", "replay_beat", record.beat)}
{array("int32_t", "replay_amplitudes", record.amplitudes)}
{array("int32_t", "replay_baselines", record.baselines)}
static uint32_t $replay_seed, $replay_phase, $replay_length, $replay_tall;

static uint32_t $replay_draw(uint32_t limit)
{{
    $replay_seed = ($replay_seed * 1664525u) + 1013904223u;
    return ($replay_seed >> 16) % limit;
}}

/* Sample n; from 0 on, one after another. */
static void $replay_sample(uint32_t n, int16_t *counts)
{{
    int32_t wave = 0;
    if (n == 0u) {{
        $replay_seed = {SEED}u;
        $replay_phase = 0u;
        $replay_length = 0u;
    }}
    if ($replay_phase == $replay_length) {{
        $replay_phase = 0u;
        $replay_length = {len(record.beat)}u + $replay_draw({len(record.beat) // 2 + 1}u);
        $replay_tall = 512u + $replay_draw(1024u);
    }}
    if ($replay_phase < {len(record.beat)}u) {{
        wave = ((int32_t)$replay_beat[$replay_phase] * (int32_t)$replay_tall) / 1000;
    }}
    for (int32_t lead = 0; lead < {leads}; ++lead) {{
        const int32_t noise = $replay_amplitudes[lead] / 50;
        int32_t count = $replay_baselines[lead] + ((wave * $replay_amplitudes[lead]) / 1000);
        count += (int32_t)$replay_draw((uint32_t)((2 * noise) + 1)) - noise;
        count = (count < {record.lowest}) ? {record.lowest} : count;
        counts[lead] = (int16_t)((count > {record.highest}) ? {record.highest} : count);
    }}
    $replay_phase++;
{chr(10).join(faults)}
}}
"""


def emit_replay(data: bytes, program: StepProgram, sensor: Sensor, prefix: str) -> str:
    """Return the text of test_replay.h: the record, the answers, and a function that compares them.

    Args:
        data: The file of which the program is made.
        program: The program.
        sensor: The sensor.
        prefix: What every name of the model begins with.

    Returns:
        C text. The answers are those of `DevicePath` with LiteRT's reference kernels.
    """
    network = None
    if program.continuous:
        hop_s = program.continuous.hop_samples / program.description.sampling_rate
        network = ContinuousModel(data, hop_s, kernels="reference")
    model = ReferenceModel(data)
    path = DevicePath(model, sensor, network)
    every, span, context = measure_answers(program, model.metadata)
    first = context + (program.streaming.step if program.streaming else span)
    record = plan_replay(path.plan, sensor, first, every)
    answers = list(path.push(record.draw()))
    return with_prefix(_emit(record, answers, path, ctype(program.dtype), prefix), prefix)


def _emit(record: ReplayRecord, answers: list[DeviceAnswer], path: DevicePath, value: str, prefix: str) -> str:
    labels = path.decision.labels
    calibrated = path.decision.probabilities is not None
    rows = []
    for answer in answers:
        classes = sum(1 << labels.index(label) for label in answer.labels)
        quality = sum(QUALITY[name] for name in answer.quality)
        values = [each.tolist() for each in (answer.outputs, answer.probabilities) if len(each)]
        arrays = ", ".join(f"{{{', '.join(map(str, each))}}}" for each in values)
        rows.append(f"    {{{answer.sample}u, {classes}u, {quality}u, {arrays}}},")
    return f"""{LICENCE}
/* Counts that are drawn in integers, beats with noise and some faults, and the answers that the same path gives with
   LiteRT's reference kernels. They test the program; they are no recording and say nothing about a heart. */
#ifndef {prefix.upper()}_TEST_REPLAY_H
#define {prefix.upper()}_TEST_REPLAY_H

#include "{prefix}_app.h"

#define REPLAY_SAMPLES {record.samples}u
#define REPLAY_ANSWERS {len(answers)}

static const struct $answer $replay_answers[REPLAY_ANSWERS + 1] = {{
{chr(10).join(rows)}
    {{0u, 0u, 0u, {{0}}{", {0}" if calibrated else ""}}},
}};

{emit_record(record)}
/* Replay the record. Returns -1 where every answer is right, otherwise the number of the first one that is not, which
   is in `answer`; REPLAY_ANSWERS where there are too many, and sample 0 where there are too few. */
static int32_t $replay(struct $app *app, struct $answer *answer)
{{
    int16_t counts[{len(record.amplitudes)}];
    int32_t answers = 0;
    $app_init(app);
    for (uint32_t n = 0u; n < REPLAY_SAMPLES; ++n) {{
        int done;
        $replay_sample(n, counts);
        (void)$app_push(app, counts);
        while ((done = $app_poll(app, answer)) != 0) {{
            const struct $answer *const right = &$replay_answers[answers];
            int same = 1;
            if (done != 2) {{
                continue;
            }}
            for (int32_t i = 0; i < {len(labels)}; ++i) {{
                same &= (answer->outputs[i] == right->outputs[i]) ? 1 : 0;
{"                same &= (answer->probabilities[i] == right->probabilities[i]) ? 1 : 0;" if calibrated else ""}
            }}
            if ((same == 0) || (answers == REPLAY_ANSWERS) || (answer->sample != right->sample) ||
                (answer->classes != right->classes) || (answer->quality != right->quality)) {{
                return answers;
            }}
            answers++;
        }}
    }}
    answer->sample = 0u;
    return (answers == REPLAY_ANSWERS) ? -1 : answers;
}}

#endif
"""
