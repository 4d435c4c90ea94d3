"""Beats: their AAMI classes, RR intervals and histories, windows around them, and finding them where none are marked.

Beats are given by the sample indices of their R peaks, int (n,) in time order. A history is what a beat classifier
knows of the beats before: RR intervals and classes, the most recent last.
"""

import numpy as np

from ecg_edge.errors import InputError
from ecg_edge.records.record import Beats, Record
from ecg_edge.signals.preprocessing import fill_gaps, flat_leads
from ecg_edge.signals.scipy_signal import scipy_signal

# The classes of ANSI/AAMI EC57 for the WFDB beat codes, as in de Chazal et al. 2004: escape beats (e, j, n) are N. A
# stands for the standard's S, supraventricular ectopic; F is the fusion of a normal and a ventricular beat; Q is paced,
# fused with a paced beat, unclassifiable or not classified.
CODES = {"N": "NLRBejn", "A": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ?"}
AAMI = {code: name for name, codes in CODES.items() for code in codes}
CLASSES = ("N", "A", "V")

HISTORY = 5  # beats
LONGEST_RR = 3.0  # s; a longer one is a gap in the annotations
LOWEST_RATE = 40.0  # Hz; XQRS looks at 5 to 20 Hz
SHORTEST = 1.0  # s; XQRS's filters need 0.3 s of signal, an RR interval more
USUAL_RANGE = 1.5  # mV from the lowest to the highest value of an ECG
BEST_LEADS = ("ii", "mlii", "i")  # where R waves are tall and upright in most people


def aami_labels(symbols: np.ndarray) -> np.ndarray:
    """The classes of WFDB beat codes (n,) as positions in CLASSES: int64 (n,), -1 for F, Q and unknown codes."""
    codes, position = np.unique(np.asarray(symbols, "U1"), return_inverse=True)
    known = [AAMI.get(str(code)) for code in codes]
    return np.array([CLASSES.index(name) if name in CLASSES else -1 for name in known], np.int64)[position]


def rr_intervals(samples: np.ndarray, fs: float) -> np.ndarray:
    """The time from the beat before to each beat in s: float32 (n,), 0.0 for the first beat; `fs` in Hz."""
    samples = np.asarray(samples, np.int64)
    return (np.diff(samples, prepend=samples[:1]) / fs).astype(np.float32)


def rr_history(samples: np.ndarray, fs: float, count: int = HISTORY) -> np.ndarray:
    """The last `count` RR intervals in s of each beat, its own, from the beat before it, last: float32 (n, count).

    0.0 where there is none and where it is not within (0, 3] s.
    """
    rr = rr_intervals(samples, fs)
    rr[(rr <= 0) | (rr > LONGEST_RR)] = 0.0
    return _history(rr, 0.0, count - 1, count)


def label_history(labels: np.ndarray, classes: int = len(CLASSES), count: int = HISTORY) -> np.ndarray:
    """The classes of the `count` beats before each beat, one-hot: float32 (n, count, classes).

    `labels` int (n,): each beat's class, -1 where it is not known. Zeros where it is not and where there is no beat.
    """
    one_hot = np.eye(classes + 1, classes, dtype=np.float32)  # its last row, zeros, is -1's
    return one_hot[_history(np.asarray(labels, np.int64), -1, count, count)]


def _history(values: np.ndarray, missing: float, before: int, count: int) -> np.ndarray:
    """`count` of `values` (n,) for each position, from `before` positions earlier on: (n, count)."""
    padded = np.concatenate([np.full(before, missing, values.dtype), values])
    return padded[np.arange(len(values))[:, None] + np.arange(count)]


def beat_windows(signal: np.ndarray, samples: np.ndarray, half: int) -> np.ndarray:
    """The signal (length, leads) around each beat: (n, 2 · half, leads), the R peak at position `half`.

    Beyond the signal's ends its first or last value goes on: a step would look like a wave.
    """
    around = np.asarray(samples, np.int64)[:, None] + np.arange(-half, half)
    return signal[around.clip(0, max(len(signal) - 1, 0))]


def r_peaks(lead: np.ndarray, fs: float) -> np.ndarray:
    """The R peaks of one lead, (samples,) in any unit at `fs` Hz, found by wfdb's XQRS: int64 (n,).

    Empty for a flat signal and for one shorter than a second. Raises InputError for a rate of 40 Hz or less.
    """
    if fs <= LOWEST_RATE:
        raise InputError(f"sampled at {fs:g} Hz, too low to find R peaks: more than {LOWEST_RATE:g} Hz is needed")
    column = np.asarray(lead, np.float64)[:, None]
    if len(column) < SHORTEST * fs or flat_leads(column)[0]:
        return np.zeros(0, np.int64)
    scipy_signal()  # before wfdb imports it whole
    from wfdb.processing import XQRS

    signal = fill_gaps(column, fs)[0][:, 0]
    # A recording of less than eight clear beats is searched with thresholds in mV, which miss the low voltages of some
    # people. Percentiles, so that a long recording's range is not an artefact's.
    low, high = np.percentile(signal, [0.1, 99.9])
    detector = XQRS(signal * (USUAL_RANGE / (high - low) if high > low else 1.0), fs)
    detector.detect(verbose=False)
    return np.asarray(detector.qrs_inds, np.int64)


def record_beats(record: Record) -> Beats:
    """The annotated beats of `record`; where it has none, those that XQRS finds, with the symbol "?".

    The lead is II or else I where the recording has it and it is not flat, else its first that is not. Raises
    InputError for a recording with neither annotations nor signal.
    """
    if record.beats is not None:
        return record.beats
    signal = record.lead_signals(record.leads)
    names = [lead.lower() for lead in record.leads]
    order = [names.index(name) for name in BEST_LEADS if name in names] + list(range(len(names)))
    best = next((column for column in order if not flat_leads(signal)[column]), 0)
    samples = r_peaks(signal[:, best], record.fs)
    return Beats(samples, np.full(len(samples), "?"))
