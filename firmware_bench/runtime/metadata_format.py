"""The file format of the metadata: one JSON object under the name "ecg_edge" in the TensorFlow Lite file.

docs/file-format.md describes every field. `encode_metadata` is the one writer and `decode_metadata` the one reader.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from typing import Any

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata
from firmware_bench.runtime.tflite_reader import BUFFERS, METADATA, FlatBufferTable
from firmware_bench.runtime.tflite_verifier import read_model_table
from firmware_bench.runtime.typed_json import decode_json, default_of, shorten

FORMAT = 1  # increased when a field changes its meaning; a field that is only added does not increase it
METADATA_NAME = "ecg_edge"  # the name of our entry in a file's metadata
DIGEST_PLACEHOLDER = "0" * 64  # stands in the metadata for the digest while the digest is computed


def encode_metadata(metadata: ModelMetadata) -> bytes:
    """Return metadata as JSON in UTF-8. Fields that have their defaults are left out."""
    value = {"format": FORMAT, **_encode(metadata)}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def decode_metadata(payload: bytes) -> ModelMetadata:
    """Return metadata from JSON in UTF-8. Fields that are not known are ignored.

    Raises:
        ModelError: It is no JSON object, of an unknown format, or a field has a wrong type or value.
    """
    return _decode_document(_parse_json(payload))


def _parse_json(payload):
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ModelError("the file is damaged: its ecg_edge metadata are unreadable")
    return value


def _decode_document(value):
    version = value.get("format")
    if type(version) is not int:
        raise ModelError("its metadata state no format version: export it with ecg-edge export")
    if version != FORMAT:
        raise ModelError(
            f"its metadata have format {shorten(version)}, this version of ecg-edge reads format {FORMAT}: "
            "update ecg-edge, or export it again"
        )
    try:
        return decode_json(ModelMetadata, value)
    except ValueError as error:
        raise ModelError(f"its metadata are wrong: {error}: export it again") from None


def _encode(value) -> Any:
    if isinstance(value, TaskMetadata):
        return {"name": value.name, **value.options}
    if dataclasses.is_dataclass(value):
        pairs = ((part.name, getattr(value, part.name)) for part in dataclasses.fields(value))
        return {name: _encode(each) for name, each in pairs if each != default_of(type(value), name)}
    if isinstance(value, dict):
        return {name: _encode(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value  # JSON has no NaN


# ------------------------------------------------------------------------------------------------ in the file


def read_metadata(data: bytes) -> ModelMetadata:
    """Return the metadata of an exported model.

    Args:
        data: The bytes of the .tflite file.

    Raises:
        ModelError: The file is damaged or carries no metadata that can be read.
    """
    metadata = find_metadata(read_model_table(data))
    if metadata is None:
        raise ModelError("the file carries no ecg_edge metadata: export it with ecg-edge export")
    return metadata


def find_metadata(model: FlatBufferTable) -> ModelMetadata | None:
    """Return the metadata in a TensorFlow Lite file, None where it carries none of ours.

    Raises:
        ModelError: The metadata cannot be read, or the file does not match the digest in them.
    """
    for entry in model.tables(METADATA):
        if entry.bytes(0) == METADATA_NAME.encode():
            buffers = model.tables(BUFFERS)
            if entry.integer(1) >= len(buffers):
                raise ModelError("the file is damaged: its ecg_edge metadata are unreadable")
            value = _parse_json(buffers[entry.integer(1)].bytes(0))
            digest = value.get("digest", "")
            if isinstance(digest, str) and digest:
                data = model.data.replace(digest.encode(), DIGEST_PLACEHOLDER.encode(), 1)
                if digest != _compute_digest(data):
                    raise ModelError("the file is damaged: its bytes do not match its own digest; copy it again")
            return _decode_document(value)
    return None


def insert_digest(data: bytes) -> bytes:
    """Replace DIGEST_PLACEHOLDER in an exported file by the SHA-256 of the file.

    A runtime may crash on a damaged file, or predict nonsense; with the digest, a damaged file is refused before.
    """
    return data.replace(DIGEST_PLACEHOLDER.encode(), _compute_digest(data).encode(), 1)


def _compute_digest(data):
    return hashlib.sha256(data).hexdigest()
