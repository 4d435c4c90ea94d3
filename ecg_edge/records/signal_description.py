"""SignalDescription: what a user states about a recording whose file does not say it."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from ecg_edge.records.units import find_unit
from firmware_bench.runtime.errors import InputError

LOWEST_FS, HIGHEST_FS = 10.0, 1e6  # Hz: no ECG is sampled at a rate outside


@dataclasses.dataclass(frozen=True)
class SignalDescription:
    """What is stated about a recording by whoever reads it.

    Attributes:
        fs: Sampling rate in Hz; None where the file has to state it.
        units: "mV", "uV", "V" or "nV", or "NU" (normalised units); None where the file has to state it.
        leads: The names of the signal's columns; () where the file has to state them.
        rename_leads: Pairs (name in the file, name to use).
    """

    fs: float | None = None
    units: str | None = None
    leads: tuple[str, ...] = ()
    rename_leads: tuple[tuple[str, str], ...] = ()

    def __post_init__(self):
        if self.fs is not None and not (math.isfinite(self.fs) and 0 < self.fs <= HIGHEST_FS):
            raise InputError(f"fs has to be a sampling rate in Hz above 0, not {self.fs}")
        if self.units is not None and find_unit(self.units) is None:
            raise InputError(f"units has to be mV, uV, V, nV or NU (normalised units), not {self.units!r}")
        if len(set(self.leads)) < len(self.leads):
            raise InputError(f"a lead is named twice: {', '.join(self.leads)}")


NOTHING_STATED = SignalDescription()


def describe_signal(
    fs: float | None = None,
    units: str | None = None,
    leads: str | Sequence[str] | None = (),
    rename_leads: Mapping[str, str] | Sequence[str] | None = (),
) -> SignalDescription:
    """Make a description of a signal from what a user wrote.

    Args:
        fs: Sampling rate in Hz.
        units: Unit of voltage, or "NU" (normalised units).
        leads: Names of the columns, also as one text with commas or spaces between them.
        rename_leads: Name in the file → name to use, also as texts "OLD=NEW".

    Returns:
        The description.

    Raises:
        InputError: One of them cannot be meant so. The line says which.

    Examples:
        >>> describe_signal(leads="I,II", rename_leads=["Lead A=V1"]).leads
        ('I', 'II')
    """
    names = tuple(leads.replace(",", " ").split() if isinstance(leads, str) else leads or ())
    pairs = rename_leads.items() if isinstance(rename_leads, Mapping) else map(_split_pair, rename_leads or ())
    return SignalDescription(fs, units, names, tuple((old.strip(), new.strip()) for old, new in pairs))


def _split_pair(text: str) -> tuple[str, str]:
    old, equals, new = text.rpartition("=")
    if not (equals and old.strip() and new.strip()):
        raise InputError(f"a lead is renamed as OLD=NEW, for example 'Lead A=V1', not {text!r}")
    return old, new
