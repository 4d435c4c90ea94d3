"""A record that the path from counts to beats and rhythms replays, and the answers of the same path in Python."""

from export.c99.beat_pair import BeatPair
from export.c99.c_text import LICENCE, with_prefix
from export.c99.emit_beat_header import NO_BEATS
from export.c99.emit_replay import emit_record, plan_replay
from firmware_bench.front_end import beat_path
from firmware_bench.front_end.beat_path import BeatPath, DeviceBeat, DeviceRhythm
from firmware_bench.front_end.device_plan import Decision
from firmware_bench.front_end.sample_faults import QUALITY

FLAGS = {**QUALITY, beat_path.NO_BEATS: NO_BEATS}
FIELDS = ("kind", "sample", "classes", "quality", "first", "end", "beats")


def describe_event(pair: BeatPair, event: DeviceBeat | DeviceRhythm) -> list[list[int]]:
    """Return what `struct PREFIX_answer` holds of an event: its FIELDS, the outputs and the probabilities.

    Args:
        pair: The models.
        event: Of a BeatPath.
    """
    quality = sum(FLAGS[name] for name in event.quality)
    if isinstance(event, DeviceBeat):
        kind, decision, about = 1, pair.plan.beat_decision, (event.peak, event.peak + 1, 1)
    else:
        kind, decision, about = 2, pair.plan.rhythm_decision, (event.start, event.stop, event.beats)
    classes = 0 if event.label is None else 1 << decision.labels.index(event.label)
    outputs, probabilities = _list_outputs(event, decision)
    return [[kind, event.sample, classes, quality, *about], outputs, probabilities]


def _list_outputs(event: DeviceBeat | DeviceRhythm, decision: Decision) -> tuple[list[int], list[int]]:
    if not len(event.outputs):
        return [0] * len(decision.labels), [0] * len(decision.labels)
    assert decision.probabilities is not None
    return event.outputs.tolist(), decision.probabilities.look_up(event.outputs).tolist()


def emit_beat_replay(pair: BeatPair) -> str:
    """Return the text of test_replay.h: the record, the answers, and a function that compares them."""
    plan, prefix = pair.plan, pair.prefix
    record = plan_replay(plan.front_end, pair.sensor, plan.window + plan.rhythm_after, plan.hop)
    path = BeatPath(pair.rhythm, pair.classifier, pair.sensor)
    events = [describe_event(pair, event) for event in path.push(record.draw())]
    rows = []
    for fields, outputs, probabilities in events:
        arrays = (f"{{{', '.join(map(str, values))}}}" for values in (outputs, probabilities))
        rows.append(f"    {{{', '.join(f'{value}u' for value in fields)}, {', '.join(arrays)}}},")
    same = " &&\n                ".join(f"(answer->{name} == right->{name})" for name in FIELDS)
    counts = [len(decision.labels) for decision in (plan.beat_decision, plan.rhythm_decision)]
    return with_prefix(
        f"""{LICENCE}
/* Counts that are drawn in integers, beats with noise and some faults, and the answers that the same path gives with
   LiteRT's reference kernels. They test the program; they are no recording and say nothing about a heart. */
#ifndef {prefix.upper()}_TEST_REPLAY_H
#define {prefix.upper()}_TEST_REPLAY_H

#include "{prefix}_app.h"

#define REPLAY_SAMPLES {record.samples}u
#define REPLAY_ANSWERS {len(events)}

static const struct $answer $replay_answers[REPLAY_ANSWERS + 1] = {{
{chr(10).join(rows)}
    {{{"0u, " * len(FIELDS)}{{0}}, {{0}}}},
}};

{emit_record(record)}
/* Whether two answers are the same. */
static int $is_same(const struct $answer *answer, const struct $answer *right)
{{
    const int32_t count = (right->kind == {prefix.upper()}_BEAT) ? {counts[0]} : {counts[1]};
    int same = ({same}) ? 1 : 0;
    for (int32_t n = 0; n < count; ++n) {{
        same &= (answer->outputs[n] == right->outputs[n]) ? 1 : 0;
        same &= (answer->probabilities[n] == right->probabilities[n]) ? 1 : 0;
    }}
    return same;
}}

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
            if (done != 2) {{
                continue;
            }}
            if ((answers == REPLAY_ANSWERS) || ($is_same(answer, &$replay_answers[answers]) == 0)) {{
                return answers;
            }}
            answers++;
        }}
    }}
    answer->sample = 0u;
    return (answers == REPLAY_ANSWERS) ? -1 : answers;
}}

#endif
""",
        prefix,
    )
