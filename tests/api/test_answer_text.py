"""The line that a live signal changes."""

from ecg_edge.api.answer_text import describe_answer
from ecg_edge.api.live_signal import LiveAnswer


def test_the_heart_rate_stands_before_the_quality_where_it_is_known():
    answer = LiveAnswer(75.0, 18750, ("AF",), {"AF": 0.91, "SNR": 0.09}, (), 84.4)
    assert describe_answer(75.0, answer) == "0:01:15  AF 0.91  (SNR 0.09)  84 bpm  signal: good"
    unknown = LiveAnswer(75.0, 18750, ("AF",), {"AF": 0.91}, ("flat",))
    assert describe_answer(75.0, unknown) == "0:01:15  AF 0.91  signal: flat"
