"""A recording in memory as a Record."""

from collections.abc import Sequence

import numpy as np

from ecg_edge.records.record import Record, standard_lead
from ecg_edge.records.units import NORMALISED, find_unit
from firmware_bench.runtime.errors import InputError, unknown_name


def record_from_array(
    signal: np.ndarray,
    fs: float,
    leads: Sequence[str] | None,
    units: str,
    name: str,
    model_leads: Sequence[str],
    keep_gaps: bool = False,
) -> Record:
    """Make a record of a signal in memory.

    Args:
        signal: (samples,) or (samples, leads), in `units`.
        fs: Sampling rate, Hz.
        leads: Names of the columns, or None where signal and model have one lead.
        units: "mV", "uV", "V" or "nV", which become mV; or "NU" (normalised units), which stay.
        name: Name of the record.
        model_leads: The leads that the model takes.
        keep_gaps: Accept values that are NaN or infinite, as samples that were not taken.

    Returns:
        The record, its signal float32 (samples, leads) in mV or NU.

    Raises:
        InputError: See `EcgModel.predict`.
    """
    known = find_unit(str(units))
    if known is None:
        raise unknown_name(f"unit of {name}", str(units), ("V", "mV", "uV", "nV", NORMALISED))
    try:
        array, rate = np.asarray(signal), float(fs)
        array = array if array.dtype.kind in "fiu" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: signal and fs have to be numbers") from None
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{name}: fs has to be a sampling rate in Hz above 0, not {fs}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise InputError(f"{name}: the signal has to be (samples,) or (samples, leads), not {np.shape(signal)}")
    if leads is None:
        if len(model_leads) != 1 or array.shape[1] != 1:
            raise InputError(
                f"{name}: name the leads of its {array.shape[1]} columns (leads=…); the model takes "
                f"{' '.join(model_leads)}"
            )
        leads = model_leads
    names = (leads,) if isinstance(leads, str) else tuple(leads)
    if len(names) != array.shape[1]:
        raise InputError(
            f"{name}: {len(names)} leads are named ({' '.join(names)}), and the signal has shape {array.shape}: "
            "it has to be (samples, leads)"
        )
    names = tuple(map(standard_lead, names))
    if len(set(names)) != len(names):
        raise InputError(f"{name}: a lead is named twice: {' '.join(names)}")
    made = np.empty(array.shape, np.float32)
    for column, values in zip(made.T, array.T, strict=True):  # one lead in float64 at a time
        with np.errstate(over="ignore"):
            column[:] = np.asarray(values, np.float64) * known[1]
    gaps = ~np.isfinite(made)
    if gaps.any() and not keep_gaps:
        first = int(np.flatnonzero(gaps.any(axis=1))[0])
        raise InputError(
            f"{name}: {int(gaps.sum())} values are NaN or infinite, first at sample {first}: "
            "interpolate them or cut them off"
        )
    made[gaps] = np.nan
    return Record(name, name, made, rate, names, units=known[0])
