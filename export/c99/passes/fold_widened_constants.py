"""Constants that the file keeps in 8 bits and widens to 16 by a QUANTIZE: kept in 16 bits, in flash, by the program."""

import dataclasses

import numpy as np

from export.c99.ir import GraphTensor
from export.tflite.operator_facts import INT16_STEPS_PER_INT8_CONSTANT


def widened_constant(narrow: GraphTensor, wide: GraphTensor) -> GraphTensor | None:
    """The constant that a QUANTIZE only widens (export.convert.int16_weights).

    TensorFlow Lite Micro computes such a constant in RAM at run time.

    Args:
        narrow: Its input.
        wide: Its output.

    Returns:
        `wide` with its values, or None for a QUANTIZE that does anything else.
    """
    if narrow.data is None or (narrow.dtype, wide.dtype, narrow.scale) != (
        np.int8,
        np.int16,
        INT16_STEPS_PER_INT8_CONSTANT * wide.scale,
    ):
        return None
    values = (narrow.data.astype(np.int16) - narrow.zero_point) * INT16_STEPS_PER_INT8_CONSTANT
    return dataclasses.replace(wide, data=values)
