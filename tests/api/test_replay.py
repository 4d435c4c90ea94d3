"""A recording played back: the counts of its file, at the speed that is asked for."""

import math

import numpy as np
import pytest
from live_sources import Messages, blocks_of
from wfdb_files import RANGES, Signal, write_record

import ecg_edge
from ecg_edge.api import replay
from ecg_edge.reporter import Reporter
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata


@pytest.mark.parametrize("units", ["mV", "uV"])
@pytest.mark.parametrize("form", [16, 61, 80, 160, 212, 310, 508, 516])
def test_counts_of_a_wfdb_record_are_those_of_its_file(form, units, tmp_path):
    low, high = RANGES[form]
    random = np.random.default_rng(form)
    digital = [random.integers(low, high + 1, 3000) for _ in range(2)]
    digital[1][100:130] = low  # where the format says that no sample was taken
    signals = [Signal("II", digital[0], 213.7, 11, units), Signal("I", digital[1], 55.25, -3, units)]
    stem = write_record(tmp_path, "r", [(form, signals)], rate="360")
    signal, counts = blocks_of(ecg_edge.Replay(stem, "max"))
    expected = np.stack([np.where(x == low, -32768, x) for x in digital[::-1]], axis=1)
    assert (counts == expected).all() and signal.fs == 360 and signal.seconds == 3000 / 360
    factor = {"mV": 1, "uV": 1000}[units]
    assert signal.sensor.counts_per_unit == pytest.approx((55.25 * factor, 213.7 * factor), rel=1e-12)
    assert signal.sensor.baselines == (-3, 11)


@pytest.mark.parametrize(("bits", "limits"), [(11, (0, 2047)), (0, (-32767, 32767)), (8, (-32767, 32767))])
def test_the_range_of_the_converter_is_known_where_the_header_states_one_that_fits(bits, limits, tmp_path):
    signals = [Signal(name, np.arange(0, 2048, dtype=np.int64), 200.0, 1024) for name in ("I", "II")]
    stem = write_record(tmp_path, "r", [(16, signals)])
    header = stem.with_suffix(".hea")
    header.write_text(header.read_text().replace("/mV 0 0 ", f"/mV {bits} 1024 "))
    signal, _ = blocks_of(ecg_edge.Replay(stem, "max"))
    assert (signal.sensor.lowest, signal.sensor.highest) == limits


@pytest.mark.parametrize(("peak", "gain"), [(2.0, 1000.0), (300.0, 100.0), (2000.0, 10.0)])
def test_a_recording_without_counts_is_converted_with_a_gain_that_is_said(peak, gain, tmp_path):
    values, reporter = np.random.default_rng(0).normal(0, 1, (3000, 1)).round(5), Messages()
    values[7] = peak
    np.savetxt(tmp_path / "r.csv", values, fmt="%.5f")
    source = ecg_edge.Replay(tmp_path / "r.csv", "max", fs=250, units="mV", leads="I")
    signal, counts = blocks_of(source, ("I",), reporter)
    assert signal.sensor.counts_per_unit == (gain,) and np.abs(counts / gain - values).max() <= 0.501 / gain
    assert reporter.texts == [f"{tmp_path / 'r.csv'}: I replayed as {gain:,g} counts in 1 mV"]


def test_segments_of_another_gain_are_converted(tmp_path):
    for name, gain in (("a", 200.0), ("b", 100.0)):
        write_record(tmp_path, name, [(16, [Signal("I", np.arange(100), gain)])])
    (tmp_path / "r.hea").write_text("r/2 1 250 200\na 100\nb 100\n")
    reporter = Messages()
    _, counts = blocks_of(ecg_edge.Replay(tmp_path / "r", "max"), ("I",), reporter)
    assert counts[:, 0].tolist() == [5 * n for n in range(100)] + [10 * n for n in range(100)] and reporter.texts


def test_a_recording_is_played_at_the_speed_that_is_asked_for(tmp_path, monkeypatch):
    stem = write_record(tmp_path, "r", [(16, [Signal("I", np.arange(2500))])])
    now, slept = 100.0, []

    def sleep(seconds):
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr(replay.time, "monotonic", lambda: now)
    monkeypatch.setattr(replay.time, "sleep", sleep)
    for speed in (1.0, 4.0, "max"):
        began, samples = now, 0
        slept.clear()
        signal = ecg_edge.Replay(stem, speed).open(ModelMetadata(leads=("I",), fs=100.0), Reporter())
        for block in signal.blocks:
            samples += len(block)
            if speed == "max":
                assert not slept
            else:
                assert math.isclose(now - began, samples / 250 / speed, abs_tol=1e-9)
            now += 0.003  # the model's own time is made up for
        assert samples == 2500
    with pytest.raises(InputError, match="speed of -1"):
        ecg_edge.Replay(stem, -1)
