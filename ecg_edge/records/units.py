"""Units of a signal: of voltage, with how many millivolts one of each is, and none where the amplitude is lost."""

NORMALISED = "NU"  # normalised units, of a signal that was scaled to its own range or spread

# By name in lower case; both Unicode signs for micro are in use.
MILLIVOLTS = {
    "mv": 1.0,
    "uv": 1e-3,
    "µv": 1e-3,
    "μv": 1e-3,
    "nv": 1e-6,
    "v": 1e3,
    "millivolt": 1.0,
    "millivolts": 1.0,
    "microvolt": 1e-3,
    "microvolts": 1e-3,
    "nanovolt": 1e-6,
    "nanovolts": 1e-6,
    "volt": 1e3,
    "volts": 1e3,
}


def millivolts_per(unit: str | None) -> float | None:
    """How many millivolts one `unit` is, in any case: "uV" → 0.001; None where it is no known unit of voltage."""
    return MILLIVOLTS.get((unit or "").strip().lower())


def find_unit(unit: str | None) -> tuple[str, float] | None:
    """Find the unit that a record has whose file states `unit`.

    Args:
        unit: As in a file or as a user writes it.

    Returns:
        "mV" and how many millivolts one `unit` is, or NORMALISED and 1; None where it is neither.
    """
    if (unit or "").strip().upper() == NORMALISED:
        return NORMALISED, 1.0
    millivolts = millivolts_per(unit)
    return None if millivolts is None else ("mV", millivolts)
