"""Metadata of an exported model: JSON under the name "ecg_edge" in the TensorFlow Lite file."""

from __future__ import annotations

import hashlib
import json

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.tflite_reader import BUFFERS, METADATA, FlatBufferTable, read_model_table

DIGEST_PLACEHOLDER = "0" * 64  # stands in the metadata for the digest while the digest is computed


def read_metadata(data: bytes) -> dict:
    """Return the metadata of an exported model.

    Args:
        data: The bytes of the .tflite file.

    Raises:
        ModelError: The file is damaged or carries no metadata of ours.
    """
    metadata = find_metadata(read_model_table(data))
    if not metadata:
        raise ModelError("the file carries no ecg_edge metadata: export it with ecg-edge export")
    return metadata


def find_metadata(model: FlatBufferTable) -> dict:
    """Return the metadata in a TensorFlow Lite file, empty where it carries none of ours.

    Raises:
        ModelError: The metadata are damaged, or the file does not match the digest in them.
    """
    for entry in model.tables(METADATA):
        if entry.bytes(0) == b"ecg_edge":
            try:
                metadata = json.loads(model.tables(BUFFERS)[entry.integer(1)].bytes(0))
                digest = metadata.get("digest", "")
            except (AttributeError, IndexError, ValueError):
                raise ModelError("the file is damaged: its ecg_edge metadata are unreadable") from None
            if digest and digest != _digest(model.data.replace(digest.encode(), DIGEST_PLACEHOLDER.encode(), 1)):
                raise ModelError("the file is damaged: its bytes do not match its own digest; copy it again")
            return metadata
    return {}


def insert_digest(data: bytes) -> bytes:
    """Replace DIGEST_PLACEHOLDER in an exported file by the SHA-256 of the file.

    A runtime may crash on a damaged file, or predict nonsense; with the digest, a damaged file is refused before.
    """
    return data.replace(DIGEST_PLACEHOLDER.encode(), _digest(data).encode(), 1)


def _digest(data):
    return hashlib.sha256(data).hexdigest()
