"""The score of a window in C, of a model that reconstructs its input: see `firmware_bench.front_end.window_score`."""

from export.c99.c_text import array, ctype, structure
from export.c99.emit_poll import AnswerCalls
from export.c99.lower import StepProgram
from firmware_bench.front_end.window_score import ScorePlan, ValueScale
from firmware_bench.runtime.metadata import ModelMetadata

KERNEL = "ecg_window_score_sN"


def declare_score(program: StepProgram, prefix: str) -> list[str]:
    """Return the members of an app that keep a window, what the network makes of it, and the scores before."""
    value, macro = ctype(program.dtype), prefix.upper()
    return [
        "    struct ecg_score_history scores;",
        "    int32_t samples; /* of this window */",
        f"    {value} input[{program.inputs[0].tensor.size}];",
        *(f"    {value} output_{name}[{macro}_{name.upper()}_SIZE];" for name in program.output_names),
    ]


def define_score(plan: ScorePlan) -> list[str]:
    """Return the constants of a score."""

    def scale(chosen: ValueScale | None):
        return (chosen.zero_point, chosen.multiplier) if chosen else (0, 0)

    return [
        array("int32_t", "log_variance_table", plan.table),
        structure(
            "ecg_window_score",
            "window_score",
            samples=plan.samples,
            leads=plan.leads,
            signal=scale(plan.signal),
            reconstruction=scale(plan.reconstruction),
            lead_weight=scale(plan.lead_weight),
            sequence_weight=scale(plan.sequence_weight),
            latent_mean=scale(plan.latent_mean),
            shift=plan.shift,
            latent_shift=plan.latent_shift,
            latent_count=plan.latent_count,
            log_variance_shift=plan.log_variance_shift,
            table="$log_variance_table",
            threshold=plan.threshold,
        ),
    ]


def score_answers(program: StepProgram, metadata: ModelMetadata, plan: ScorePlan) -> AnswerCalls:
    """Return what goes around the network: the window is kept, and scored when the network has reconstructed it."""
    arrays = {
        tensor.name: f"app->output_{name}" for tensor, name in zip(metadata.outputs, program.output_names, strict=True)
    }
    used = (plan.reconstruction, plan.lead_weight, plan.sequence_weight, plan.latent_mean, plan.log_variance)
    arguments = ", ".join(arrays[scale.output] if scale else "NULL" for scale in used)
    bits = 8 * program.bytes
    return AnswerCalls(
        (f"(void)memcpy(&app->input[app->samples * {plan.leads}], sample, sizeof sample);", "app->samples++;"),
        ", ".join(arrays.values()),
        (
            f"answer->outputs[1] = ecg_score_window_s{bits}(&$window_score, app->input, {arguments});",
            "answer->outputs[0] = ecg_judge_score(&$window_score, &app->scores, answer->outputs[1]);",
            "app->samples = 0;",
        ),
    )
