"""NumPy's .npz files from elsewhere: what they claim is compared with what is expected before anything is allocated."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

HEADER_BYTES = 10_000
MAX_TEXT = 1 << 22  # characters


class OtherArraysError(ValueError):
    """The file is sound and holds other arrays than those that were expected."""


def read_npz(path: Path, expected: Mapping[str, tuple[tuple[int, ...], Any]]) -> dict[str, np.ndarray]:
    """Read the arrays of a .npz file.

    Args:
        path: The file.
        expected: Name → shape and type of every array that it has to hold, in any order. A text has the type "U".

    Returns:
        The arrays by name, in the order of `expected`.

    Raises:
        OtherArraysError: It holds other names, shapes or types.
        ValueError: It is damaged.
        OSError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of headers that it mends
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if members.keys() != set(expected):
                raise OtherArraysError(f"it holds {len(members)} arrays, not the {len(expected)} that belong in it")
            return {name: _read_array(archive, members[name], *form) for name, form in expected.items()}
    # zipfile raises NotImplementedError for a compression it does not know, RuntimeError for an encrypted part.
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, SyntaxError, KeyError) as error:
        raise ValueError(f"it is damaged: {error}") from None
    except Exception as error:  # zlib, lzma and bz2 each have their own
        if isinstance(error, (ValueError, OSError)):
            raise
        raise ValueError(f"it is damaged: {error}") from None


def _read_array(archive, info, shape, dtype):
    dtype = np.dtype(dtype)
    with archive.open(info) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        found_shape, in_columns, found = read_header(file)
        if dtype == np.dtype("U") and found.kind == "U" and found.itemsize <= 4 * MAX_TEXT:
            dtype = found
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if found_shape != tuple(shape) or found != dtype:
            raise OtherArraysError(f"{info.filename} is {found} {found_shape}, not {dtype} {tuple(shape)}")
        if not size <= info.file_size <= size + HEADER_BYTES:
            raise ValueError(f"{info.filename} has {info.file_size:,} bytes, not {size:,} and a header")
        content = file.read(size + 1)
    if len(content) != size:
        raise ValueError(f"{info.filename} is cut off")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if in_columns else "C").copy()
