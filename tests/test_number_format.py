"""Numbers as text."""

from ecg_edge.number_format import format_estimate, format_interval, format_milliseconds, format_number


def test_undefined_numbers_are_a_dash():
    assert [format_number(value) for value in (None, 0.12345)] == ["–", "0.123"]
    assert format_number(0.12345, 4) == "0.1235"
    assert format_interval({"low": None, "high": 1}) == "[–, 1.000]"


def test_an_estimate_is_its_value_and_its_interval():
    assert format_estimate({"value": 0.5, "low": 0.25, "high": 0.75}) == "0.500 [0.250, 0.750]"


def test_estimated_times_have_two_significant_digits():
    assert [format_milliseconds(value) for value in (27724, 43.96, 3.456)] == ["28,000 ms", "44 ms", "3.5 ms"]
