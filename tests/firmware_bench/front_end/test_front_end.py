"""The front end in integers: its filters, its answers to gaps and extremes, and that blocks do not matter."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
from firmware_bench.front_end.plan import LARGEST_SIGNAL, MISSING, RunningScale, Section, plan_front_end
from firmware_bench.front_end.plan import quantise_section as quantise
from firmware_bench.front_end.resampler import design_resampler
from firmware_bench.runtime.errors import InputError

HIGHPASS = [0.99115, -1.9823, 0.99115, 1.0, -1.982228929792529, 0.982385450614126]
LOWPASS = [0.25, 0.5, 0.25, 1.0, 0.0, 0.0]
STEPS = [{"step": "hold_gaps"}, {"step": "resample_causal", "fs": 250.0}]
FILTER = {"step": "filter_causal", "kind": "highpass", "hz": 0.5, "sections": [HIGHPASS]}
SCALE = {"step": "scale_running", "memory_s": 10.0}


def plan(sensor_fs=360.0, steps=(*STEPS, FILTER), leads=1, gain=200.0, baseline=0):
    return plan_front_end(steps, 250.0, sensor_fs, [gain] * leads, [baseline] * leads)


def draw(samples, leads=1, seed=0):
    return np.random.default_rng(seed).integers(-500, 500, (samples, leads)).astype(np.int16)


@pytest.mark.parametrize("ratio", ["25/36", "5/6", "1/4", "125/64", "2", "3/1000", "1000/999"])
def test_every_phase_of_a_resampling_filter_keeps_a_constant(ratio):
    resampler = design_resampler(Fraction(ratio))
    assert np.allclose(resampler.phases.sum(axis=1), 1)
    quantised = resampler.quantise().astype(np.int64)
    assert (quantised.sum(axis=1) == 1 << 14).all()
    assert np.abs(quantised).sum(axis=1).max() * 2**15 < 2**31  # no sum of products overflows
    assert np.abs(quantised / 2**14 - resampler.phases).max() < 2**-14


@pytest.mark.parametrize("sensor_fs", [125.0, 250.0, 257.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("steps", [STEPS, [*STEPS, FILTER], [*STEPS, FILTER, SCALE]])
def test_blocks_of_any_length_give_the_same_values(sensor_fs, steps):
    random, counts = np.random.default_rng(1), draw(3000, 2)
    counts[random.integers(0, 3000, 200), 1] = MISSING
    whole = IntegerFrontEnd(plan(sensor_fs, steps, leads=2)).push(counts)
    front_end, parts, first = IntegerFrontEnd(plan(sensor_fs, steps, leads=2)), [], 0
    while first < len(counts):
        length = int(random.integers(0, 90))
        parts.append(front_end.push(counts[first : first + length]))
        first += length
    assert np.array_equal(np.concatenate(parts), whole)
    expected = (3000 - plan(sensor_fs).half_length) * 250 / sensor_fs
    assert abs(len(whole) - expected) < 1 and whole.dtype == np.int32 and np.ptp(whole) > 0


def test_an_offset_of_an_electrode_becomes_exactly_nothing():
    for offset in (-32767, 1, 12345, 32767):
        values = IntegerFrontEnd(plan(baseline=7)).push(np.full((2000, 1), offset, np.int16))
        assert not values.any()


def test_a_constant_passes_a_lowpass_unchanged():
    steps = [*STEPS, {"step": "filter_causal", "kind": "lowpass", "hz": 60.0, "sections": [LOWPASS]}]
    values = IntegerFrontEnd(plan(steps=steps, gain=100.0)).push(np.full((500, 1), 50, np.int16))
    assert np.all(values == 1 << 19)


def test_a_missing_sample_is_the_one_before_it_and_the_baseline_at_the_start():
    counts = np.array([[MISSING], [10], [MISSING], [MISSING], [30]], np.int16)
    values = IntegerFrontEnd(plan(250.0, STEPS, gain=1.0, baseline=4)).push(counts)
    assert (values[:, 0] / 2**20).tolist() == [0, 6, 6, 6, 26]


def test_extremes_are_clipped_and_never_wrap():
    counts = np.where(np.arange(4000) % 50 < 25, 32767, -32767).astype(np.int16)[:, None]
    values = IntegerFrontEnd(plan(500.0, [*STEPS, FILTER, SCALE], gain=1e-3)).push(counts)
    assert np.abs(values.astype(np.int64)).max() <= 1 << 30
    values = IntegerFrontEnd(plan(250.0, STEPS, gain=1.0)).push(counts)
    assert values.max() == LARGEST_SIGNAL and values.min() == -LARGEST_SIGNAL


def test_a_flat_lead_stays_flat_under_a_running_scale():
    values = IntegerFrontEnd(plan(steps=[*STEPS, FILTER, SCALE])).push(np.full((4000, 1), 99, np.int16))
    assert not values.any()


def test_a_running_scale_gives_unit_deviation_after_its_first_second():
    values = IntegerFrontEnd(plan(250.0, [*STEPS, FILTER, SCALE])).push(draw(5000))[:, 0] / 2**20
    assert not values[:250].any() and values[250:].std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", ["highpass", "bandpass", "notch", "fill_gaps", "resample", "zscore", "unheard_of"])
def test_a_step_without_a_causal_form_is_refused_by_name(name):
    with pytest.raises(InputError, match=name):
        plan(steps=[*STEPS, {"step": name}])


def test_steps_in_another_order_are_refused():
    with pytest.raises(InputError, match="in this order"):
        plan(steps=[FILTER, *STEPS])


@pytest.mark.parametrize("sensor_fs", [0.0, -1.0, 1e9, 249.9, 250.1, 127.95])
def test_a_rate_without_a_small_ratio_is_refused(sensor_fs):
    with pytest.raises(InputError, match="Hz"):
        plan(sensor_fs)


@pytest.mark.parametrize("gain", [0.0, float("nan"), float("inf"), 1e-9, 1e12])
def test_a_gain_that_is_none_is_refused(gain):
    with pytest.raises(InputError, match="counts in a unit"):
        plan(gain=gain)


@pytest.mark.parametrize(
    "section",
    [
        [1, 0, 0, 1, -2.1, 1.1], [1, 0, 0, 1, 0, 1.0], [2, 0, 0, 1, 0, 0], [1, -1, 0, 2, 0, 0], [3, -6, 3, 1, 0, 0],
        [1, -1, 0.5, 1, 0, 0],
    ],
)  # fmt: skip
def test_a_filter_without_a_form_in_fixed_point_is_refused(section):
    with pytest.raises(InputError, match="no form in fixed point"):
        quantise(section)


def test_a_quantised_section_keeps_constants_exactly():
    section = quantise(HIGHPASS)
    assert section.b0 + section.b1 + section.b2 == 0 and not section.passes_constant
    section = quantise(LOWPASS)
    assert section.b0 + section.b1 + section.b2 == (1 << 29) + section.a1 + section.a2 and section.passes_constant
    assert isinstance(section, Section) and dataclasses.asdict(section)["b0"] == 1 << 27


def test_the_delay_is_ten_samples_of_the_slower_rate():
    assert plan(500.0).delay_s == pytest.approx(10 / 250) and plan(125.0).delay_s == pytest.approx(10 / 125)
    assert plan(250.0).delay_s == 0
    assert plan(steps=[*STEPS, FILTER, SCALE]).scale == RunningScale(250, 10)
