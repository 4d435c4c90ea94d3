import numpy as np
import pytest

from export.verify.calibration import check_clipping, check_window_count, measure_clipping
from firmware_bench.runtime.metadata import Tensor

ECG = Tensor("ecg", (1, 100, 1), "int8", 0.01, 28)  # -1.56 … 0.99 mV


def test_the_share_of_samples_outside_of_the_range():
    values = np.linspace(-2, 2, 4001)
    outside = ((values < -1.565) | (values > 0.995)).mean()
    assert measure_clipping(ECG, values) == pytest.approx(outside, abs=1e-3)
    assert measure_clipping(Tensor("ecg", (1, 100, 1), "float32", 0.0, 0), values) == 0


@pytest.mark.parametrize("amplitude, passed", [(0.9, True), (9.0, False)])
def test_clipping(amplitude, passed):
    windows = amplitude * np.sin(np.arange(300)).reshape(3, 100, 1)
    check = check_clipping({"ecg": ECG}, {"ecg": windows})
    assert check.passed is passed and "input ecg" in check.name and "3 windows" in check.name


def test_few_windows():
    assert check_window_count(9).failed and check_window_count(10).passed
