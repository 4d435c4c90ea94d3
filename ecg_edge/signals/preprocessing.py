"""Preprocessing: named steps with plain-data parameters, the same in training and in calibration.

    steps = [{"step": "fill_gaps"}, {"step": "resample", "fs": 250}, {"step": "highpass", "cutoff": 0.5, "order": 2}]
    signal, fs = Preprocessing(steps)(record.signal, record.fs)

A step is a function of a signal, float (samples, leads), and its sampling rate in Hz that returns both. It is applied
to each lead by itself. The steps below may look ahead in a recording; those of `causal_steps` serve a device too.
"""

import inspect
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from ecg_edge.records.quality import FLAT
from ecg_edge.records.signal_description import HIGHEST_FS, LOWEST_FS
from ecg_edge.signals.causal_steps import filter_causal, hold_gaps, resample_by_ratio, scale_running
from ecg_edge.signals.scipy_signal import import_scipy_signal
from firmware_bench.runtime.errors import InputError, unknown_name

LARGEST_FACTORS = (1000, 10_000, 100_000, 500_000)  # of a ratio of rates, tried in this order
LARGEST_DRIFT = 0.1  # samples, between the ratio that is used and that of the rates, at a recording's end
HIGHEST_ORDER, HIGHEST_PARAMETER = 20, 1e6  # of filters; Hz
MINIMUM_RATE_RATIO = 0.35  # source to target rate: 100 Hz recordings still serve a model of 250 Hz


def fill_gaps(signal, fs):
    """Replace NaN samples by a straight line between their neighbours, a lead without any sample by zeros."""
    if not np.isnan(signal).any():
        return signal, fs
    signal = signal.copy()
    for lead in signal.T:
        missing = np.isnan(lead)
        edges = np.flatnonzero(np.diff(missing, prepend=missing[:1], append=missing[-1:]))
        # The samples on both sides of every gap are all that a line needs.
        known = np.unique(np.clip(np.concatenate([edges - 1, edges, [0, len(lead) - 1]]), 0, len(lead) - 1))
        known, places = known[~missing[known]], np.flatnonzero(missing)
        lead[places] = np.interp(places, known, lead[known]) if len(known) else 0.0
    return signal, fs


def resample(signal, source_fs, *, fs: float):
    """Resample to `fs` Hz by scipy's polyphase filter.

    The ratio of the rates becomes a fraction that is true to LARGEST_DRIFT over the signal: 127.95 Hz to 128 Hz by
    2560/2559.

    Raises InputError: a rate is not possible, or the source's is so low that the signal lacks most of the band of `fs`.
    """
    ratio = _find_ratio(source_fs, fs, len(signal))
    if ratio == 1:
        return signal, fs
    # The signal is extended by a line beyond its ends: zeros there would be a step, which rings.
    return import_scipy_signal().resample_poly(signal, ratio.numerator, ratio.denominator, axis=0, padtype="line"), fs


def resample_causal(signal, source_fs, *, fs: float):
    """Resample to `fs` Hz by the filter of a device, as `resample` does otherwise.

    The device is late by the filter's constant delay of ten samples of the slower rate; here the result is not.

    Raises InputError: as `resample`.
    """
    ratio = _find_ratio(source_fs, fs, len(signal))
    return (signal if ratio == 1 else resample_by_ratio(signal, ratio)), fs


def _find_ratio(source_fs: float, fs: float, samples: int) -> Fraction:
    """The ratio fs/source_fs with the smallest factors by which `samples` samples drift less than LARGEST_DRIFT.

    Raises InputError: a rate is not possible, or the source's is too low.
    """
    for rate in (source_fs, fs):
        if not LOWEST_FS <= rate <= HIGHEST_FS:
            raise InputError(f"cannot be resampled from {source_fs:g} Hz to {fs:g} Hz: {rate:g} Hz is not possible")
    if source_fs < MINIMUM_RATE_RATIO * fs:
        raise InputError(f"sampled at {source_fs:g} Hz, too low for a model that takes {fs:g} Hz")
    exact = Fraction(str(fs)) / Fraction(str(source_fs))
    for largest in LARGEST_FACTORS:
        ratio = exact.limit_denominator(largest)
        if abs(ratio - exact) * samples < LARGEST_DRIFT:
            break
    return ratio


def highpass(signal, fs, *, cutoff: float, order: int = 2):
    """Apply a zero-phase Butterworth high-pass at `cutoff` Hz."""
    return _zero_phase(signal, fs, "highpass", cutoff, order)


def lowpass(signal, fs, *, cutoff: float, order: int = 2):
    """Apply a zero-phase Butterworth low-pass at `cutoff` Hz."""
    return _zero_phase(signal, fs, "lowpass", cutoff, order)


def bandpass(signal, fs, *, low: float, high: float, order: int = 4):
    """Apply a zero-phase Butterworth band-pass from `low` to `high` Hz."""
    return _zero_phase(signal, fs, "bandpass", (low, high), order)


def _zero_phase(signal, fs, kind, cutoff, order):
    if np.max(cutoff) >= fs / 2:
        raise InputError(
            f"a {kind} at {np.max(cutoff):g} Hz needs a sampling rate above {2 * np.max(cutoff):g} Hz, "
            f"this signal has {fs:g} Hz"
        )
    sections = import_scipy_signal().butter(order, cutoff, btype=kind, fs=fs, output="sos")
    # scipy's own choice of padding, kept short enough for signals shorter than it.
    padding = min(3 * (2 * len(sections) + 1), max(len(signal) - 1, 0))
    return import_scipy_signal().sosfiltfilt(sections, signal, axis=0, padlen=padding), fs


def notch(signal, fs, *, frequency: float, q: float = 30.0):
    """Apply a zero-phase notch of quality `q` at `frequency` Hz."""
    if frequency >= fs / 2:
        raise InputError(
            f"a notch at {frequency:g} Hz needs a sampling rate above {2 * frequency:g} Hz, this signal has {fs:g} Hz"
        )
    b, a = import_scipy_signal().iirnotch(frequency, q, fs=fs)
    return import_scipy_signal().filtfilt(b, a, signal, axis=0, padlen=min(9, max(len(signal) - 1, 0))), fs


def zscore(signal, fs):
    """Scale each lead to zero mean and unit standard deviation over the whole signal; a flat lead becomes zeros."""
    centred = signal - signal.mean(axis=0)
    deviation = centred.std(axis=0)
    centred /= np.maximum(deviation, FLAT)
    centred[:, ~(deviation > FLAT)] = 0.0
    return centred, fs


STEPS: dict[str, Callable] = {
    step.__name__: step
    for step in (
        *(fill_gaps, resample, highpass, lowpass, bandpass, notch, zscore),
        *(hold_gaps, resample_causal, filter_causal, scale_running),
    )
}


def _check_parameter(step, name, value, kind):
    if kind is str or kind is list:
        if not (isinstance(value, kind) and 0 < len(value) <= HIGHEST_ORDER):
            raise InputError(f"preprocessing step {step}: {name} is {str(value)[:40]!r}")
        return
    number, most = (int, HIGHEST_ORDER) if kind is int else ((int, float), HIGHEST_PARAMETER)
    if not isinstance(value, number) or isinstance(value, bool) or not 0 < value <= most:
        raise InputError(f"preprocessing step {step}: {name} is {value!r}, not a number above 0 and up to {most:g}")


class Preprocessing:
    """Named steps in order.

    Args:
        steps: For each its name, "step", and its parameters.

    Raises:
        InputError: An unknown step, a missing or unknown parameter, or one that is no possible number.
    """

    def __init__(self, steps: Sequence[dict]):
        self.steps = [dict(step) for step in steps]
        for step in self.steps:
            name = str(step.get("step", ""))
            if name not in STEPS:
                raise unknown_name("preprocessing step", name, STEPS)
            parameters = inspect.signature(STEPS[name]).parameters
            accepted = {key: p for key, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
            for key in step.keys() - {"step"} - accepted.keys():
                raise unknown_name(f"parameter of step {name}", key, accepted)
            for key, parameter in accepted.items():
                if parameter.default is parameter.empty and key not in step:
                    raise InputError(f"preprocessing step {name} needs {key}")
                _check_parameter(name, key, step.get(key, parameter.default), parameter.annotation)
            if name == "bandpass" and not step["low"] < step["high"]:
                raise InputError(f"preprocessing step bandpass: low is {step['low']:g} Hz, high {step['high']:g} Hz")

    def __call__(self, signal: np.ndarray, fs: float) -> tuple[np.ndarray, float]:
        """Apply the steps.

        Args:
            signal: (samples, leads).
            fs: Its sampling rate in Hz.

        Returns:
            The signal, float32 (samples', leads), and its sampling rate in Hz.

        Raises:
            InputError: The signal is empty, or its sampling rate too low for a step.
        """
        signal = np.asarray(signal, np.float32)
        if len(signal) == 0:
            raise InputError("the signal has no samples")
        # Lead by lead, because the steps compute in float64 and keep several copies: a day of twelve leads is large.
        parts = [signal[:, lead : lead + 1] for lead in range(signal.shape[1])] or [signal]
        first, rate = self._apply(parts[0], fs)
        prepared = np.empty((len(first), signal.shape[1]), np.float32)
        prepared[:, :1] = first
        for lead, part in enumerate(parts[1:], start=1):
            prepared[:, lead : lead + 1], _ = self._apply(part, fs)
        return prepared, rate

    def _apply(self, signal: np.ndarray, fs: float) -> tuple[np.ndarray, float]:
        for step in self.steps:
            parameters = {key: value for key, value in step.items() if key != "step"}
            signal, fs = STEPS[step["step"]](signal, fs, **parameters)
        return signal, fs


def find_flat_leads(signal: np.ndarray) -> np.ndarray:
    """Find the leads of (samples, leads) that carry no signal (all NaN, or constant): bool (leads,)."""
    return np.array([_is_flat(lead[~np.isnan(lead)]) for lead in signal.T], bool)


def _is_flat(valid: np.ndarray) -> bool:
    return not (len(valid) and valid.max() - valid.min() > FLAT)
