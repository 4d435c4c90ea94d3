"""The steps of an unrolled loop in a file: their tensors are named alike, but for the number of the step.

They share weights, and what one step computes has the same scale in every step, as in a loop.
"""

import re

UNROLLED = "unrolled_step_"  # and the number of the step, a part of a tensor's name


def name_in_every_step(name: str) -> str | None:
    """The name that a tensor of an unrolled step has in all of them; None for any other tensor."""
    return re.sub(rf"{UNROLLED}\d+", UNROLLED, name) if UNROLLED in name else None
