"""The file format of the metadata: one JSON object under the name "ecg_edge" in the TensorFlow Lite file.

docs/file-format.md describes every field. `encode_metadata` is the one writer and `decode_metadata` the one reader.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import typing
from typing import Any

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, TaskMetadata, default_of, shorten
from firmware_bench.runtime.tflite_reader import BUFFERS, METADATA, FlatBufferTable, read_model_table

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
        return _decode(ModelMetadata, value, "")
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


def _decode(kind, value, place) -> Any:
    """`value` out of JSON as the type `kind`. place: where it stands, for the message of the ValueError."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is typing.Union:  # Optional
        return None if value is None else _decode(arguments[0], value, place)
    if origin is tuple:
        values = _expect(value, list, place, "a list")
        return tuple(_decode(arguments[0], each, f"{place}[{number}]") for number, each in enumerate(values))
    if origin is dict:
        pairs = _expect(value, dict, place, "an object").items()
        return {name: _decode(arguments[1], each, f"{place}.{name}") for name, each in pairs}
    if kind is float:
        number = _expect(value, (int, float), place, "a number")
        if not -1e300 < number < 1e300:
            raise ValueError(f"{place} is {shorten(number)}, not a finite number")
        return float(number)
    if kind is int:
        number = _expect(value, int, place, "an integer")
        if not -(2**53) <= number <= 2**53:
            raise ValueError(f"{place} is {shorten(number)}, not an integer of at most 2^53")
        return number
    if kind is str:
        return _expect(value, str, place, "a string")
    return _decode_dataclass(kind, _expect(value, dict, place, "an object"), place)


def _decode_dataclass(kind, value, place):
    if kind is TaskMetadata:
        value = {"name": value.get("name", ""), "options": {key: value[key] for key in value if key != "name"}}
    kinds, known, prefix = typing.get_type_hints(kind), {}, f"{place}." if place else ""
    for part in dataclasses.fields(kind):
        if part.name in value:
            known[part.name] = _decode(kinds[part.name], value[part.name], prefix + part.name)
        elif default_of(kind, part.name) is dataclasses.MISSING:
            raise ValueError(f"{prefix}{part.name} is missing")
    try:
        return kind(**known)
    except ValueError as error:
        raise ValueError(prefix + str(error)) from None


def _expect(value, kind, place, expected):
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{place} is {shorten(value)}, not {expected}")
    return value


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
