"""The QRS detector in C: equal in every bit to that in Python, on recordings and on what is none."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from export.c99.generator import KERNELS
from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
from firmware_bench.front_end.qrs_detector import LONGEST_AGE, QrsDetector, plan_detector, to_counts

SOURCE = """
#include "ecg_qrs.h"
void run(const int16_t *samples, int n, int32_t *ages);
int to_count(int32_t value);
int to_count(int32_t value)
{
    return ecg_qrs_to_count(value);
}
void run(const int16_t *samples, int n, int32_t *ages)
{
    struct ecg_qrs qrs;
    ecg_qrs_start(&qrs);
    for (int t = 0; t < n; ++t) {
        ages[t] = ecg_qrs_push(&qrs, samples[t]);
    }
}
"""
FLAGS = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wundef -Wstrict-prototypes -Werror -O2 -shared -fPIC"
SANITIZED = "-fsanitize=undefined -fno-sanitize-recover=all -static-libubsan"
LENGTH = 7680  # a minute
TIME = np.arange(LENGTH)
RANDOM = np.random.default_rng(0)


def draw_beats(seed):
    """Complexes and T waves of any height at any distance, with noise."""
    random, samples = np.random.default_rng(seed), np.zeros(LENGTH)
    for start in np.cumsum(random.choice([32, 60, 100, 180, 300], 150) + random.integers(0, 12, 150)):
        width, height = random.integers(2, 9), random.choice([80, 300, 900, 1500, 2500]) * random.uniform(0.7, 1.4)
        samples[start : start + width] += height
        samples[start + 28 : start + 44] += height * random.uniform(0, 0.8)
    return (samples + random.normal(0, 6, LENGTH)).round()


EXTREMES = {
    "constant": np.full(LENGTH, 123),
    "lowest": np.full(LENGTH, -32768),
    "saturated": np.where(TIME // 300 % 2, 32767, -32767),
    "square": np.where(TIME % 8 < 4, 32767, -32768),
    "random": RANDOM.integers(-32768, 32768, LENGTH),
    "noise of one count": RANDOM.integers(-1, 2, LENGTH),
    "step": np.where(TIME < 3000, 0, 30000),
    "smaller and smaller": np.where(TIME % 100 < 5, 30000 * 0.97 ** (TIME // 100), 0),
    "larger and larger": np.where(TIME % 70 < 5, 30 * 1.06 ** (TIME // 70), 0),
    "silence of half a minute": np.where((TIME % 90 < 6) & ((TIME < 2000) | (TIME > 5840)), 900, 0),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The kernel, under the undefined-behaviour sanitizer."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    folder = tmp_path_factory.mktemp("qrs")
    (folder / "qrs.c").write_text(SOURCE)
    words = [*FLAGS.split(), *SANITIZED.split(), f"-I{KERNELS}"]
    subprocess.run(["gcc", *words, "qrs.c", "-o", "qrs.so"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "qrs.so"))


@pytest.fixture(scope="module")
def run_c(library):
    """int16 (n,) → the ages, (n,), that C returns."""

    def run(samples):
        samples, ages = np.ascontiguousarray(samples, np.int16), np.zeros(len(samples), np.int32)
        library.run(ctypes.c_void_p(samples.ctypes.data), len(samples), ctypes.c_void_p(ages.ctypes.data))
        return ages

    return run


def verify_equal(run_c, samples):
    """Return the ages that C and Python agree on."""
    detector, ages = QrsDetector(), run_c(samples)
    assert ages.tolist() == [detector.push(sample) for sample in samples.tolist()]
    peaks = np.flatnonzero(ages) - ages[ages > 0]
    assert ages.min() >= 0 and ages.max() <= LONGEST_AGE and (np.diff(peaks) > 0).all()
    return ages


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(run_c, name):
    verify_equal(run_c, EXTREMES[name].clip(-32768, 32767).astype(np.int16))


@pytest.mark.parametrize("name", ["100", "105", "203", "207"])
def test_a_minute_of_recordings(run_c, real_data, name):
    record = import_wfdb().rdrecord(str(real_data("mitdb") / name), physical=False, sampto=60 * 360)
    front_end = IntegerFrontEnd(plan_detector(record.fs, record.adc_gain[0], record.baseline[0]))
    counts = record.d_signal[:, :1].astype(np.int16)
    assert np.count_nonzero(verify_equal(run_c, to_counts(front_end.push(counts))[:, 0])) > 40


@pytest.mark.parametrize("scale", [0.07, 1.0, 10.0])
def test_beats_of_all_kinds(run_c, scale):
    for seed in range(20):
        verify_equal(run_c, (scale * draw_beats(seed)).clip(-32768, 32767).astype(np.int16))


def test_values_of_the_front_end(library):
    for value in (-(1 << 29), -(1 << 25), -1025, -1024, -1, 0, 1023, 1024, 123456, (1 << 25) - 1, 1 << 29):
        assert library.to_count(value) == to_counts(np.array([value], np.int32))[0]


def test_synthetic_ecg(run_c):
    signal = synthesise("AF", seed=1, fs=128.0, leads=("II",)).signal
    assert np.count_nonzero(verify_equal(run_c, (signal[:, 0] * 1024).astype(np.int16))) > 5
