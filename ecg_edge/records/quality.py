"""What a recording's signal says about itself: missing, flat and clipped leads, and amplitudes that no ECG has.

Dry facts alone: no unit is guessed from a signal. The limits are far outside of what hearts and amplifiers give.

- LARGEST_MV: electrocardiographs and monitors are made for QRS complexes of up to 5 mV (IEC 60601-2-25, 60601-2-27). Of
  1,300 recordings of twelve public databases the largest value is 8 mV, 10 mV with added noise, measured as here.
- SMALLEST_MV: monitors take 0.15 mV and less for no heart beat (IEC 60601-2-27); the smallest value there is 0.5 mV.
- Z-scores: mean 0 and standard deviation 1 in every lead. The nearest of these recordings differs by 0.05.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ecg_edge.records.record import Record

LARGEST_MV = 20.0  # 99th percentile of the distance from the median
SMALLEST_MV = 0.05  # from the 0.1th to the 99.9th percentile, in every lead
PAUSE_SECONDS = 3.0  # a shorter piece of an ECG may lie between two beats
ZSCORE_TOLERANCE = 0.002  # of mean and standard deviation
FLAT = 1e-6  # mV, or the signal's own unit: a lead whose values span less is flat
CLIPPED_SECONDS = 0.04  # a QRS complex's tip lasts less than this at its highest value
CLIPPED_FRACTION = 0.02
MISSING_SHARE = 0.5  # above it, most of what a model is given is made up


@dataclasses.dataclass(frozen=True)
class SignalQuality:
    """What is known of the signal that a model is given, without a model.

    Attributes:
        unit: Unit of its values.
        flat_leads: Leads without signal: no valid sample, or all of one value.
        missing_share: Share of samples that were not taken (NaN).
        clipped_share: Share of samples that stay at a lead's lowest or highest value longer than an ECG does.
        amplitude_range: Lowest and highest value; None where there is no valid sample.
        impossible_amplitudes: What makes its amplitudes none of an ECG in mV, in words; () in another unit.
        problems: Why a model cannot judge it, in words; with any, a prediction is refused unless it is forced.
        warnings: What else a reader of the prediction should know, in words.
        forced: Whether it is predicted in spite of `problems`.
    """

    unit: str
    flat_leads: tuple[str, ...]
    missing_share: float
    clipped_share: float
    amplitude_range: tuple[float, float] | None
    impossible_amplitudes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    forced: bool = False

    @property
    def remarks(self) -> tuple[str, ...]:
        """The problems, then the warnings."""
        return (*self.problems, *self.warnings)

    def to_dict(self) -> dict:
        """Return it as plain data, as `ecg-edge predict --json` prints it."""
        return {
            "unit": self.unit,
            "flat_leads": list(self.flat_leads),
            "missing_share": self.missing_share,
            "clipped_share": self.clipped_share,
            "amplitude_range": None if self.amplitude_range is None else list(self.amplitude_range),
            "warnings": list(self.remarks),
            "forced": self.forced,
        }


@dataclasses.dataclass(frozen=True)
class _Lead:
    """Figures of one lead. spread: 99th percentile of the distance from the median. span: from the 0.1th to the 99.9th
    percentile."""

    name: str
    missing: int
    clipped: int
    lowest: float
    highest: float
    spread: float
    span: float
    is_zscore: bool
    is_scaled: bool

    @property
    def is_flat(self) -> bool:
        return not self.highest - self.lowest > FLAT


def assess_signal(record: Record, leads: Sequence[str]) -> SignalQuality:
    """Assess the signal of some leads of a recording.

    Args:
        record: The recording, with its signal.
        leads: The leads that count, as for `Record.find_columns`.

    Returns:
        The facts, and what follows from them whatever the model.

    Raises:
        InputError: A lead is missing, or the recording has no signal.
    """
    columns = record.find_columns(leads)
    assert record.signal is not None
    found = [_measure(lead, record.signal[:, column], record.fs) for lead, column in zip(leads, columns, strict=True)]
    values, total = [lead for lead in found if np.isfinite(lead.lowest)], max(1, record.samples * len(found))
    flat = tuple(lead.name for lead in found if lead.is_flat)
    missing, clipped = (sum(getattr(lead, name) for lead in found) / total for name in ("missing", "clipped"))
    impossible = _describe_impossible_amplitudes(found, record.units, record.seconds)
    problems = ["no lead carries a signal"] if len(flat) == len(found) else []
    warnings = [f"flat: {', '.join(flat)}"] if flat and not problems else []
    if missing > MISSING_SHARE and not problems:
        problems.append(f"{_percent(missing)} of its samples are missing")
    elif missing and not problems:
        warnings.append(f"{_percent(missing)} of its samples are missing")
    if clipped:
        warnings.append(f"{_percent(clipped)} of its samples are clipped")
    scaled = [lead for lead in found if not lead.is_flat]
    if record.units == "mV" and len(scaled) > 1 and all(lead.is_scaled for lead in scaled):
        warnings.append("every lead lies between exactly 0 or -1 and 1, as if it was scaled")
    return SignalQuality(
        unit=record.units,
        flat_leads=flat,
        missing_share=round(missing, 6),
        clipped_share=round(clipped, 6),
        amplitude_range=_find_range(values),
        impossible_amplitudes=impossible,
        problems=(*problems, *impossible),
        warnings=tuple(warnings),
    )


def _find_range(leads: Sequence[_Lead]) -> tuple[float, float] | None:
    if not leads:
        return None
    return round(min(lead.lowest for lead in leads), 6), round(max(lead.highest for lead in leads), 6)


def _describe_impossible_amplitudes(leads: Sequence[_Lead], units: str, seconds: float) -> tuple[str, ...]:
    """What makes the amplitudes of leads none of an ECG in mV, in words."""
    usable = [lead for lead in leads if not lead.is_flat]
    if units != "mV" or not usable:
        return ()
    largest, smallest = max(usable, key=lambda lead: lead.spread), max(usable, key=lambda lead: lead.span)
    if largest.spread > LARGEST_MV:
        return (f"values of {largest.spread:.3g} mV in lead {largest.name}: no ECG in mV has them",)
    if smallest.span < SMALLEST_MV and seconds >= PAUSE_SECONDS:
        return (f"values that span {smallest.span:.2g} mV at most: no ECG in mV is so small",)
    if all(lead.is_zscore for lead in usable):
        return ("every lead has mean 0 and standard deviation 1: z-scores, not mV",)
    return ()


def _measure(name: str, column: np.ndarray, fs: float) -> _Lead:
    valid = column[np.isfinite(column)]
    missing = len(column) - len(valid)
    if not len(valid):
        return _Lead(name, missing, 0, np.nan, np.nan, 0.0, 0.0, False, False)
    lowest, highest = float(valid.min()), float(valid.max())
    if not highest - lowest > FLAT:
        return _Lead(name, missing, 0, lowest, highest, 0.0, 0.0, False, False)
    low, median, high = np.percentile(valid, [0.1, 50, 99.9])
    spread = float(np.percentile(np.abs(valid - median), 99))
    mean, deviation = float(valid.mean(dtype=np.float64)), float(valid.std(dtype=np.float64))
    is_zscore = abs(mean) < ZSCORE_TOLERANCE and abs(deviation - 1) < ZSCORE_TOLERANCE
    is_scaled = abs(highest - 1) < FLAT and min(abs(lowest), abs(lowest + 1)) < FLAT
    clipped = count_clipped(column == lowest, fs) + count_clipped(column == highest, fs)
    return _Lead(name, missing, clipped, lowest, highest, spread, float(high - low), is_zscore, is_scaled)


def count_clipped(at_extreme: np.ndarray, fs: float) -> int:
    """Count the samples at which a lead stays at its extreme value longer than an ECG does.

    Args:
        at_extreme: bool (samples,), where the lead has its lowest or highest value.
        fs: Sampling rate in Hz.

    Returns:
        The samples in runs of at least three, if one run lasts CLIPPED_SECONDS or such runs make up CLIPPED_FRACTION of
        all; else 0.
    """
    edges = np.flatnonzero(np.diff(at_extreme, prepend=False, append=False))
    runs = edges[1::2] - edges[::2]
    count = int(runs[runs >= 3].sum())
    inner = int((runs[runs >= 3] - 2).sum())
    if runs.max(initial=0) >= max(4, CLIPPED_SECONDS * fs) or inner >= CLIPPED_FRACTION * len(at_extreme):
        return count
    return 0


def _percent(share: float) -> str:
    return f"{max(share, 0.001):.1%}"
