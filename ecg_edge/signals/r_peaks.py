"""R peaks: detection by XQRS, or as a device detects them, and the AAMI classes of annotated beats.

Beats are given by the sample indices of their R peaks, int (n,) in time order.
"""

from collections.abc import Sequence

import numpy as np

from ecg_edge.records.record import Beats, Record
from ecg_edge.signals.preprocessing import fill_gaps, find_flat_leads
from ecg_edge.signals.scipy_signal import import_scipy_signal
from firmware_bench.front_end import qrs_detector
from firmware_bench.front_end.integer_front_end import IntegerFrontEnd
from firmware_bench.front_end.plan import MISSING
from firmware_bench.runtime.errors import InputError

LOWEST_RATE = 40.0  # Hz; XQRS looks at 5 to 20 Hz
SHORTEST = 1.0  # s; XQRS's filters need 0.3 s of signal, an RR interval more
USUAL_RANGE = 1.5  # mV from the lowest to the highest value of an ECG
COUNTS_PER_MV = 1000.0  # of the sensor that stands before a device's detector; 16 bits hold ±32 mV


def detect_r_peaks(lead: np.ndarray, fs: float) -> np.ndarray:
    """Detect the R peaks of one lead with wfdb's XQRS.

    Args:
        lead: (samples,) in any unit, NaN where no sample was taken.
        fs: Sampling rate in Hz.

    Returns:
        Sample indices, int64 (n,); empty for a flat signal and for one shorter than a second.

    Raises:
        InputError: The rate is 40 Hz or less.
    """
    if fs <= LOWEST_RATE:
        raise InputError(f"sampled at {fs:g} Hz, too low to find R peaks: more than {LOWEST_RATE:g} Hz is needed")
    column = np.asarray(lead, np.float64)[:, None]
    if len(column) < SHORTEST * fs or find_flat_leads(column)[0]:
        return np.zeros(0, np.int64)
    import_scipy_signal()  # before wfdb imports it the slow way
    from wfdb.processing import XQRS

    signal = fill_gaps(column, fs)[0][:, 0]
    # XQRS uses thresholds in mV where it finds fewer than eight clear beats, and these miss low-voltage ECG: scale.
    # Percentiles, so that an artefact does not determine the range of a long recording.
    low, high = np.percentile(signal, [0.1, 99.9])
    detector = XQRS(signal * (USUAL_RANGE / (high - low) if high > low else 1.0), fs)
    detector.detect(verbose=False)
    return np.asarray(detector.qrs_inds, np.int64)


def detect_r_peaks_causal(lead: np.ndarray, fs: float) -> np.ndarray:
    """Detect the R peaks of one lead as a device does, sample by sample in integers.

    Args:
        lead: (samples,) in mV, NaN where no sample was taken; beyond ±32 mV it is clipped.
        fs: Sampling rate in Hz.

    Returns:
        Sample indices, int64 (n,).

    Raises:
        InputError: The rate and 128 Hz have no ratio of small integers.
    """
    counts = np.rint(np.asarray(lead, np.float64) * COUNTS_PER_MV)
    counts = np.where(np.isnan(counts), MISSING, counts.clip(-32767, 32767)).astype(np.int16)
    front_end = IntegerFrontEnd(qrs_detector.plan_detector(fs, COUNTS_PER_MV))
    samples = qrs_detector.to_counts(front_end.push(counts[:, None]))[:, 0]
    return np.rint(qrs_detector.QrsDetector().detect(samples) * fs / qrs_detector.FS).astype(np.int64)


def find_beats(record: Record) -> Beats:
    """Find the beats of a recording: the annotated ones, else those that XQRS detects.

    It is applied to lead II, MLII or I, the first of these that is there and not flat, else to the first lead that is
    not flat.

    Args:
        record: The recording.

    Returns:
        The beats; detected ones have the symbol "?".

    Raises:
        InputError: The recording has neither annotations nor signal, or its rate is 40 Hz or less.
    """
    if record.beats is not None:
        return record.beats
    signal = record.select_leads(record.leads)
    samples = detect_r_peaks(signal[:, choose_lead(record.leads, find_flat_leads(signal))], record.fs)
    return Beats(samples, np.full(len(samples), "?"))


def choose_lead(leads: Sequence[str], flat: np.ndarray) -> int:
    """Choose the lead to detect R peaks in: lead II, MLII or I, the first that is there, else the first; none flat.

    Args:
        leads: Names.
        flat: Whether each lead is flat, bool (leads,).

    Returns:
        Its position; 0 where all are flat.
    """
    return next((column for column in qrs_detector.order_leads(leads) if not flat[column]), 0)
