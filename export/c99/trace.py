"""Digests of what the steps of a program make, so that a test says which step is wrong.

A digest is the sum over all values of (value + OFFSET) (2 position + 1) FACTOR, modulo 2^32: it does not depend on the
order in which rows are made, and every change of one value changes it.
"""

import numpy as np

from export.c99.lower import StepProgram
from export.c99.steps import LstmStep, Step

OFFSET = 32769
FACTOR = 2654435761


def list_traced_steps(program: StepProgram) -> list[Step]:
    """List the steps whose output is stored as the tensor of the file that it stands for.

    There is none in a program that answers every hop: the file knows a window.
    """
    return [] if program.continuous else [step for step in program.steps if _is_traced(step)]


def _is_traced(step: Step) -> bool:
    if isinstance(step, LstmStep) and step.sums_offset is not None:
        return False  # rows are added up
    storage, tensor = step.output.storage, step.output.tensor
    return not step.output.delay and (storage.rows, storage.width) == (tensor.rows, tensor.width)


def digest_output(step: Step, values: np.ndarray) -> int:
    """Digest the output of a step as the program stores it.

    Args:
        step: The step.
        values: The tensor of the file, integers of any shape.

    Returns:
        The digest.
    """
    rows = values.reshape(step.output.storage.rows, -1)
    if isinstance(step, LstmStep) and step.is_backward and not step.is_reversed:
        rows = rows[::-1]  # the file has the last row first
    flat = rows.ravel().astype(np.int64) + OFFSET
    factors = (2 * np.arange(flat.size, dtype=np.uint64) + 1) * np.uint64(FACTOR)
    return int((flat.astype(np.uint64) * factors).sum(dtype=np.uint64)) & 0xFFFFFFFF
