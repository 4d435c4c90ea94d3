"""The header of the path from counts to beats and rhythms: its answers, and the memory of one signal."""

from export.c99.beat_pair import BeatPair
from export.c99.c_text import LICENCE, comment
from export.c99.emit_app_header import declare_functions, declare_queue, describe_sensor, name_classes
from export.c99.emit_header import EXTERN_C_BEGIN, EXTERN_C_END, MARK
from export.c99.emit_samples import declare_samples
from firmware_bench.front_end.beat_plan import ROWS
from firmware_bench.front_end.own_beats import MEAN_OF
from firmware_bench.front_end.qrs_detector import FS
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.runtime.temperature import ONE

NO_BEATS = 2 * max(QUALITY.values())  # flag of a rhythm without beats


def emit_beat_header(pair: BeatPair) -> str:
    """Return the text of PREFIX_app.h, which is C++ as well, with `$` for the prefix."""
    plan, prefix, beats = pair.plan, pair.prefix, pair.beats_prefix
    macro, outputs, given = prefix.upper(), pair.most_outputs, [tensor.name for tensor in pair.classifier.inputs]
    flags = {**QUALITY, "no-beats": NO_BEATS}
    fs = pair.classifier.metadata.fs
    classes = [
        line
        for kind, what, decision in (
            ("", "rhythms", plan.rhythm_decision),
            ("beat_", "beats", plan.beat_decision),
        )
        for line in (
            f"/* The classes of {what}: {len(decision.labels)} outputs. */",
            f"enum {prefix}_{kind}class {{",
            *(
                f"    {macro}_{kind.upper()}CLASS_{name} = {number},"
                for number, name in enumerate(name_classes(decision.labels))
            ),
            "};",
            "",
        )
    ]
    lines = [
        LICENCE,
        f"{MARK} From the counts of a sensor to beats and rhythms. */",
        f"#ifndef {macro}_APP_H",
        f"#define {macro}_APP_H",
        "",
        f'#include "{prefix}_pair.h"',
        '#include "ecg_front_end.h"',
        '#include "ecg_qrs.h"',
        "",
        *EXTERN_C_BEGIN,
        "",
        *describe_sensor(pair.rhythm.metadata, plan.front_end, macro),
        f"#define {macro}_RHYTHM_SAMPLES {plan.window} /* of a rhythm's window, at {fs:g} Hz */",
        f"#define {macro}_ANSWER_SAMPLES {plan.hop} /* from one rhythm to the next, at {fs:g} Hz */",
        f"#define {macro}_PEAK_RATE_HZ {FS:g}.0f /* of the samples that R peaks are counted in */",
        "",
        *classes,
        "/* What was wrong with the samples that an answer is about; do not show one with a flag as sure. */",
        *(f"#define {macro}_QUALITY_{name.upper().replace('-', '_')} {flag}u" for name, flag in flags.items()),
        "",
        "/* The kinds of answers. */",
        f"#define {macro}_BEAT 1u",
        f"#define {macro}_RHYTHM 2u",
        "",
        f"struct {prefix}_answer {{",
        f"    uint32_t kind;    /* {macro}_BEAT or {macro}_RHYTHM */",
        "    uint32_t sample;  /* samples of the sensor taken so far */",
        "    uint32_t classes; /* bit n is set where it is class n of its kind; 0: a rhythm without beats */",
        "    uint32_t quality;",
        f"    uint32_t first;   /* a beat: its R peak, samples at {FS:g} Hz; a rhythm: first sample, at {fs:g} Hz */",
        "    uint32_t end;     /* a rhythm: the sample after its last one; a beat: 1 + first */",
        "    uint32_t beats;   /* of a rhythm; 1 */",
        f"    int8_t outputs[{outputs}]; /* one of each class of its kind */",
        f"    uint16_t probabilities[{outputs}]; /* the same calibrated; {ONE} is 1 */",
        "};",
        "",
        *declare_queue(plan.front_end, prefix),
        "/* The memory of the two networks, of which one computes at a time, and what they are given. */",
        f"union {prefix}_networks {{",
        "    struct {",
        f"        struct {beats}_state state;",
        *([f"        int32_t window[{plan.length * plan.front_end.leads}];"] if plan.scales else []),
        *(f"        int8_t {name}[{beats.upper()}_{name.upper()}_SIZE];" for name in given),
        "    } beats;",
        "    struct {",
        f"        struct {prefix}_state state;",
        *(f"        int8_t {name}[{macro}_{name.upper()}_SIZE];" for name in ROWS),
        "    } rhythm;",
        "};",
        "",
        *comment(
            "All memory of one signal. Its members are not for the caller. Samples are counted with 32 bits: begin a "
            "recording anew before they end, after 138 days at 360 Hz."
        ),
        f"struct {prefix}_app {{",
        f"    union {prefix}_networks networks;",
        *declare_samples(plan.front_end, macro),
        "    struct ecg_front_end_state peak_end; /* before the detector */",
        "    struct ecg_section_state peak_sections[1];",
        "    struct ecg_qrs detector;",
        f"    int32_t values[{plan.kept * plan.front_end.leads}]; /* the last ones of the front end, a ring */",
        "    int32_t position; /* of the next one */",
        "    int32_t phase;    /* what the next slice is */",
        "    int32_t filled;   /* samples of this block */",
        "    uint32_t heard;   /* samples of the detector */",
        f"    uint32_t due[{plan.most_due}]; /* R peaks whose window is not complete, a ring */",
        "    uint32_t due_first;",
        "    uint32_t due_count;",
        "    uint32_t span; /* values from the first of a beat's window on */",
        "    uint32_t last_peak;",
        "    int32_t has_peak;",
        "    uint32_t start; /* of the next rhythm's window */",
        "    uint32_t own;   /* beats in it */",
        "    uint32_t beat_first;",
        "    uint32_t beat_count;",
        f"    uint32_t centres[{plan.most_beats}]; /* of the beats, samples of the model; these are rings */",
        f"    int16_t beat_intervals[{plan.most_beats}]; /* the RR interval before each, samples of the detector */",
        f"    int16_t intervals[{pair.input('rr').shape[1]}]; /* the last RR intervals */",
        f"    int16_t peak_history[{2 * plan.peak_end.taps}];",
        f"    int8_t known[{pair.input('labels').shape[1]}]; /* classes of the last beats, -1: not known */",
        *(_declare_own(pair) if plan.own else []),
        f"    int8_t fused[{beats.upper()}_FUSED_SIZE];",
        f"    int8_t rows[{plan.most_beats}][{pair.row('features').shape[2]}];",
        "};",
        "",
        *declare_functions(prefix),
        *EXTERN_C_END,
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _declare_own(pair: BeatPair) -> list[str]:
    """The members that hold the patient's own RR intervals and average beat."""
    own = pair.plan.own
    assert own is not None
    return [
        f"    uint16_t own_intervals[{MEAN_OF}]; /* the last RR intervals, of which the last follows the last beat */",
        "    uint32_t own_count;",
        f"    uint8_t ratios[{pair.input('rr').shape[1]}]; /* of each to the mean of those before it */",
        "    int32_t has_average;",
        f"    int16_t average[{(own.stop - own.begin) * pair.plan.front_end.leads}]; /* beat of this patient */",
    ]
