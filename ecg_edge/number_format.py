"""Numbers as text, for tables and messages."""

from collections.abc import Mapping

UNDEFINED = "–"


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a number with `digits` decimals, "–" where it is undefined."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def format_interval(estimate: Mapping) -> str:
    """Return the 95 % interval of {"low", "high", …}: "[0.612, 0.705]"."""
    return f"[{format_number(estimate['low'])}, {format_number(estimate['high'])}]"


def format_estimate(estimate: Mapping) -> str:
    """Return {"value", "low", "high"} as "0.661 [0.612, 0.705]"."""
    return f"{format_number(estimate['value'])} {format_interval(estimate)}"


def format_milliseconds(value: float) -> str:
    """Return an estimated duration in ms with two significant digits, since an estimate has no more."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f} ms" if rounded >= 10 else f"{rounded:g} ms"
