"""A condition that an exported file has to meet, with the figure that was found."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Gate:
    """`figure` against `bar`, both as printed; `remedy` is what to try where it did not pass."""

    name: str
    figure: str
    bar: str
    passed: bool
    remedy: str
