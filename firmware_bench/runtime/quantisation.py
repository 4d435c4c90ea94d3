"""Affine quantisation: real value = scale * (integer - zero point), as TensorFlow Lite defines it."""

from __future__ import annotations

from typing import Any

import numpy as np


def quantise(values: Any, scale: float, zero_point: int, dtype: Any) -> np.ndarray:
    """Convert real values to integers, rounded half away from zero and clipped, as TensorFlow Lite does.

    Args:
        values: Finite real values, an array of any shape.
        scale: The scale of the tensor. 0 means that the tensor is not quantised: the values are only cast.
        zero_point: The integer that stands for 0.
        dtype: The integer type, as numpy takes it.

    Returns:
        An array of `dtype`, of the shape of `values`.
    """
    if not scale:
        return np.asarray(values).astype(dtype)
    ratio = (np.asarray(values, np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + zero_point
    limits = np.iinfo(dtype)
    return np.clip(rounded, limits.min, limits.max).astype(dtype)


def dequantise(values: Any, scale: float, zero_point: int) -> np.ndarray:
    """Convert integers to real values.

    Args:
        values: Integers, an array of any shape.
        scale: The scale of the tensor. 0 means that the tensor is not quantised: the values are only cast.
        zero_point: The integer that stands for 0.

    Returns:
        A float32 array of the shape of `values`.
    """
    values = np.asarray(values)
    if not scale:
        return values.astype(np.float32)
    return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
