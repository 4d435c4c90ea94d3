"""The page of a running signal."""

import time

import pytest

import ecg_edge
from ecg_edge.extras import is_installed

pytestmark = pytest.mark.skipif(not is_installed("dash"), reason="dash is not installed: pip install -e .[view]")


def test_the_last_seconds_and_answers_are_kept(tmp_path):
    from ecg_edge.records.synthetic_ecg import synthesise
    from ecg_edge.view.live_buffer import SHOWN_S, LiveBuffer

    record = synthesise("SNR", 3, 45.0, leads=("I",))
    lines = "\n".join(f"{value:.4f}" for value in record.signal[:, 0])
    (tmp_path / "one.csv").write_text(f"I\n{lines}\n")
    source = ecg_edge.Replay(tmp_path / "one.csv", speed="max", fs=record.fs, units="mV")
    buffer = LiveBuffer("af-single-lead-small", source)
    buffer.start()
    until = time.monotonic() + 120
    while buffer.read()[3] != "the signal has ended":
        assert time.monotonic() < until
        time.sleep(0.05)
    times, values, answers, _ = buffer.read()
    assert len(times) == len(values) == round(SHOWN_S * record.fs)
    assert times[-1] == pytest.approx(45.0, abs=0.1)
    assert abs(values[:, 0] - record.signal[-len(values) :, 0]).max() < 0.002
    assert answers[-1].labels and answers[-1].seconds > 40
