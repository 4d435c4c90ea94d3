"""What the path of a beat classifier and a rhythm model takes on a microcontroller."""

import pytest
from small_pairs import make_pair

from ecg_edge.api.device_cost import measure_path
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.mcu import qemu
from firmware_bench.mcu.boards import BOARDS


@pytest.mark.skipif(bool(qemu.missing()), reason="the Arm toolchain or QEMU is not installed")
def test_instructions_are_counted_over_beats_and_rhythms():
    rhythm, beats = make_pair()
    board = BOARDS["nRF52840"]
    found = measure_path(rhythm, Sensor(250.0, (200.0,)), None, [board], 200.0, beats)
    assert found["answer_s"] == pytest.approx(1 / (75 / 60 + 1 / 5), rel=0.03)  # all beats are found
    assert found["front_end"] < found["instructions"] < 2e6 and 5_000 < found["ram"]["signal"] < 16_000
    assert found["boards"][board.name]["share"] > 0
    alone = measure_path(beats, Sensor(250.0, (200.0,)), None, [board], 200.0)
    assert "takes beats, not a signal" in alone["none"]
