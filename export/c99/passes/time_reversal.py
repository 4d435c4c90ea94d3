"""Which REVERSE_V2 reverses time."""

import numpy as np

from export.c99.ir import GraphOperator


def is_time_reversal(operator: GraphOperator) -> bool:
    """Whether a REVERSE_V2 reverses the rows and nothing else."""
    x = operator.operand(0)
    axes = {int(axis) % len(x.shape) for axis in np.ravel(operator.operand(1).values)}
    return axes == {len(x.shape) - 2} and x.rows == x.shape[-2]
