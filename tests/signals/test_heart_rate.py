"""The heart rate of a signal that arrives."""

import numpy as np
import pytest

from ecg_edge.signals.heart_rate import RunningHeartRate
from firmware_bench.front_end.plan import MISSING
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import InputError

FS = 250
SENSOR = Sensor(FS, (200.0,), (50,), -1000, 1000)


def draw_beats(seconds, bpm):
    """A lead with triangles of 0.08 s and 1 mV as complexes, (samples, 1)."""
    moment = np.arange(round(seconds * FS)) / FS
    from_beat = (moment + 30 / bpm) % (60 / bpm) - 30 / bpm
    return (50 + 200 * np.clip(1 - np.abs(from_beat) / 0.04, 0, None)).round().astype(np.int16)[:, None]


def rates(counts, leads=("V1",)):
    """Of every second."""
    found = RunningHeartRate(SENSOR, FS, leads)
    for first in range(0, len(counts), FS):
        found.push(counts[first : first + FS])
        yield found.bpm


@pytest.mark.parametrize("bpm", [40, 75, 180])
def test_the_rate_of_regular_beats(bpm):
    assert list(rates(draw_beats(20, bpm)))[-1] == pytest.approx(bpm, rel=0.01)


def test_a_rate_is_unknown_at_first_and_follows_a_change():
    found = list(rates(np.concatenate([draw_beats(30, 60), draw_beats(30, 120)])))
    assert found[0] is None and found[25] == pytest.approx(60, abs=1) and found[-1] == pytest.approx(120, abs=1)


def test_a_silent_or_noisy_lead_has_no_rate():
    found = list(rates(np.concatenate([draw_beats(15, 60), np.full((15 * FS, 1), 50, np.int16)])))
    assert found[14] is not None and set(found[20:]) == {None}


@pytest.mark.parametrize("fault", [MISSING, 1000, -1000])
def test_intervals_with_missing_and_saturated_samples_do_not_count(fault):
    counts = draw_beats(40, 60)
    counts[15 * FS + 99 : 30 * FS : FS // 2] = fault
    found = list(rates(counts))
    assert found[14] == found[-1] == pytest.approx(60, abs=1) and found[28] is None


def test_the_rate_is_that_of_lead_two():
    flat = np.full((20 * FS, 1), 50, np.int16)
    beats = draw_beats(20, 60)
    assert list(rates(np.concatenate([flat, beats], axis=1), ("V1", "II")))[-1] == pytest.approx(60, abs=1)
    assert list(rates(np.concatenate([beats, flat], axis=1), ("V1", "II")))[-1] is None


def test_blocks_of_any_length_give_the_same_rate():
    counts, whole, parts = draw_beats(20, 77), RunningHeartRate(SENSOR, FS, ["I"]), RunningHeartRate(SENSOR, FS, ["I"])
    whole.push(counts)
    for part in np.array_split(counts, 137):
        parts.push(part)
    assert whole.bpm == parts.bpm is not None


def test_a_sensor_rate_that_does_not_divide_is_refused():
    with pytest.raises(InputError, match="ratio"):
        RunningHeartRate(SENSOR, 127.95, ["I"])
