"""The page of a running signal."""

import time

import numpy as np
import pytest

import ecg_edge
from ecg_edge.extras import is_installed

pytestmark = pytest.mark.skipif(not is_installed("dash"), reason="dash is not installed: pip install -e .[view]")


def test_the_last_seconds_and_answers_are_kept():
    from ecg_edge.records.synthetic_ecg import synthesise
    from ecg_edge.view.live_buffer import SHOWN_S, LiveBuffer

    record = synthesise("SNR", 3, 45.0, leads=("I",))
    counts = np.rint(record.signal * 200 + 1000).astype("<i2")
    counts[-100:-90] = -32768  # no sample was taken
    source = ecg_edge.CountStream([counts.tobytes()], ecg_edge.Sensor(record.fs, (200.0,), (1000,)), "int16")
    buffer = LiveBuffer("af-single-lead-small", source)
    buffer.start()
    until = time.monotonic() + 120
    while buffer.read()[3] != "the signal has ended":
        assert time.monotonic() < until
        time.sleep(0.05)
    times, values, answers, _ = buffer.read()
    assert len(times) == len(values) == round(SHOWN_S * record.fs)
    assert times[-1] == pytest.approx(45.0, abs=0.1)
    assert np.flatnonzero(np.isnan(values[:, 0])).tolist() == list(range(len(values) - 100, len(values) - 90))
    assert np.nanmax(abs(values[:, 0] - record.signal[-len(values) :, 0])) < 0.003  # half a count
    assert answers[-1].labels and answers[-1].seconds > 40


def test_the_page_says_where_a_signal_broke_off():
    from ecg_edge.view.live_buffer import LiveBuffer

    def disappear():
        yield bytes(500)
        raise ecg_edge.InputError("/dev/ttyUSB0 disappeared")

    buffer = LiveBuffer(
        "af-single-lead-small", ecg_edge.CountStream(disappear(), ecg_edge.Sensor(250.0, (200.0,)), "int16")
    )
    buffer.start()
    until = time.monotonic() + 60
    while not buffer.read()[3]:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert buffer.read()[3] == "/dev/ttyUSB0 disappeared"
