"""Preprocessing that a device can compute: no step looks further ahead than a resampling filter's constant delay.

The steps are functions of a signal, float (samples, leads), and its rate in Hz, as in `ecg_edge.signals.preprocessing`.
`firmware_bench.front_end` computes the same in integers, and the generated C program too.
"""

from fractions import Fraction

import numpy as np

from ecg_edge.records.quality import FLAT
from ecg_edge.signals.scipy_signal import import_scipy_signal
from firmware_bench.front_end.resampler import design_resampler
from firmware_bench.runtime.errors import InputError

NOTCH_Q = 30.0  # quality of the notch


def hold_gaps(signal, fs):
    """Replace NaN samples by the last sample before them, and by 0 before the first sample of a lead."""
    missing = np.isnan(signal)
    if not missing.any():
        return signal, fs
    source = np.maximum.accumulate(np.where(missing, 0, np.arange(1, len(signal) + 1)[:, None]), axis=0)
    return np.take_along_axis(np.concatenate([np.zeros_like(signal[:1]), signal]), source, axis=0), fs


def resample_by_ratio(signal: np.ndarray, ratio: Fraction) -> np.ndarray:
    """Resample by the polyphase filter of a device; the first and the last sample stand for everything beyond them.

    Args:
        signal: Float (samples, leads).
        ratio: Of the result's rate to the signal's.

    Returns:
        Float (samples', leads); its value n stands at the moment of the signal's n / ratio.
    """
    resampler = design_resampler(ratio)
    up, down, half = resampler.up, resampler.down, resampler.half_length
    before = half + -2 * half % down  # so that value 0 is one of those that the filter computes
    first = (before + half) * up // down
    extended = np.concatenate([np.repeat(signal[:1], before, 0), signal, np.repeat(signal[-1:], half, 0)])
    count = -(-len(signal) * up // down)
    prototype = resampler.phases.T.reshape(-1)
    return import_scipy_signal().upfirdn(prototype, extended, up, down, axis=0)[first : first + count]


def filter_causal(signal, fs, *, kind: str, hz: float, sections: list):
    """Filter forwards in time, as if the first sample had always been there.

    Args:
        signal, fs: The signal and its rate.
        kind, hz: What the sections are: highpass, lowpass or notch, and its frequency.
        sections: Second-order sections, each b0, b1, b2, 1, a1, a2, designed for `fs`.

    Raises:
        InputError: The sections are none, or unstable.
    """
    if not all(isinstance(section, (list, tuple)) and _is_stable(section) for section in sections):
        raise InputError(f"preprocessing step filter_causal: the {kind} at {hz:g} Hz is no stable filter")
    scipy_signal = import_scipy_signal()
    coefficients = np.array(sections, np.float64)
    start = scipy_signal.sosfilt_zi(coefficients)[:, :, None] * np.asarray(signal[:1], np.float64)
    return scipy_signal.sosfilt(coefficients, signal, axis=0, zi=start)[0], fs


def _is_stable(section) -> bool:
    if len(section) != 6 or not all(isinstance(value, (int, float)) and abs(value) <= 2 for value in section):
        return False
    return section[3] == 1 and abs(section[5]) < 1 and abs(section[4]) < 1 + section[5]


def scale_running(signal, fs, *, memory_s: float):
    """Divide each lead by its running standard deviation, of blocks of 1 s before; the first second becomes zeros.

    The mean square of a block enters an average that gives each of the first `memory_s` blocks the same weight, and
    then each new one 1 / `memory_s`. The signal has no mean: a high-pass stands before this step.
    """
    block, memory = round(fs), round(memory_s)
    blocks = len(signal) // block
    power = np.square(signal[: blocks * block], dtype=np.float64).reshape(blocks, block, -1).mean(axis=1)
    scaled, mean = np.zeros_like(signal), 0.0
    for number in range(blocks):
        mean = mean + (power[number] - mean) / min(number + 1, memory)
        rest = slice((number + 1) * block, (number + 2) * block)
        scaled[rest] = signal[rest] / np.maximum(np.sqrt(mean), FLAT)
    return scaled, fs


def design_filters(
    fs: float, highpass_hz: float | None, lowpass_hz: float | None, notch_hz: float | None, order: int
) -> list[dict]:
    """Design the filters of a causal front end: Butterworth high-pass and low-pass, and a notch, in this order.

    Args:
        fs: The rate they are for, Hz.
        highpass_hz, lowpass_hz, notch_hz: Corners and mains frequency, Hz; None: no such filter.
        order: Of the Butterworth filters.

    Returns:
        A step `filter_causal` for each, with its coefficients: a device designs no filter.

    Raises:
        InputError: A frequency is not below half the rate.
    """
    scipy_signal, steps = import_scipy_signal(), []
    for kind, frequency in (("highpass", highpass_hz), ("lowpass", lowpass_hz), ("notch", notch_hz)):
        if not frequency:
            continue
        if frequency >= fs / 2:
            raise InputError(
                f"a {kind} at {frequency:g} Hz needs a model above {2 * frequency:g} Hz, this one has {fs:g} Hz"
            )
        if kind == "notch":
            sections = scipy_signal.tf2sos(*scipy_signal.iirnotch(frequency, NOTCH_Q, fs=fs))
        else:
            sections = scipy_signal.butter(order, frequency, btype=kind, fs=fs, output="sos")
        # Each section for itself passes a constant, or the highest frequency, unchanged: no value between them grows.
        signs = np.array([1, -1, 1]) if kind == "highpass" else np.ones(3)
        gains = (sections[:, :3] @ signs) / (sections[:, 3:] @ signs)
        sections[:, :3] /= gains[:, None]
        steps.append({"step": "filter_causal", "kind": kind, "hz": frequency, "sections": sections.tolist()})
    return steps
