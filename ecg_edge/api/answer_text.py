"""A live answer in a line of text."""

from ecg_edge.api.live_signal import LiveAnswer
from firmware_bench.runtime.errors import make_printable

MOST_LABELS = 3


def describe_answer(seconds: float, answer: LiveAnswer | None) -> str:
    """Describe an answer in a line.

    Args:
        seconds: The time to show, s of signal.
        answer: The last answer; None: there is none yet.

    Returns:
        Time, labels with their probabilities, the most probable others, heart rate, and the quality of the signal.
    """
    whole = int(seconds)
    clock = f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    if answer is None:
        return f"{clock}  no answer yet"
    if answer.score is not None:
        present, absent = ", ".join(answer.labels), f"score {answer.score:.3g}, threshold {answer.threshold:.3g}"
    else:
        others = sorted(answer.probabilities, key=lambda name: -answer.probabilities[name])
        others = [name for name in others if name not in answer.labels][:MOST_LABELS]
        present, absent = (
            ", ".join(f"{make_printable(name)} {answer.probabilities[name]:.2f}" for name in names)
            for names in (answer.labels, others)
        )
    parts = [clock, present or "no label", *([f"({absent})"] if absent else [])]
    parts += [f"{answer.heart_rate_bpm:.0f} bpm"] if answer.heart_rate_bpm is not None else []
    return "  ".join([*parts, f"signal: {', '.join(answer.quality) or 'good'}"])
