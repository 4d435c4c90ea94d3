"""Checks of the files in a run's folder, which may be damaged or somebody else's, before they are used."""

import dataclasses
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware_bench.runtime.metadata import check_temperature
from firmware_bench.runtime.typed_json import decode_json

MAX_NUMBER = 10**6  # of an argument of an architecture: none has layers as large
MAX_WEIGHTS = 1 << 31  # bytes; the largest of the architectures have 15 million
MAX_TEXT = 1 << 24  # bytes of the description of the model
PARTS = {"metadata.json": MAX_TEXT, "config.json": MAX_TEXT, "model.weights.h5": MAX_WEIGHTS}  # of model.keras


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """What config.json has beside the settings."""

    classes: tuple[str, ...]
    leads: tuple[str, ...]
    fingerprint: str
    task: dict[str, Any]
    model: dict[str, Any]


def check_config(config: Mapping[str, Any]) -> None:
    """Check what config.json has beside the typed settings of `Config`.

    Raises:
        ValueError: A value is missing, of another type or out of range.
    """
    read = decode_json(RunConfig, config)
    if not read.classes:
        raise ValueError("classes are [], not names")
    for name, values in (("classes", read.classes), ("leads", read.leads)):  # no leads: of annotations alone
        if len(set(values)) != len(values) or not all(value and value.isprintable() for value in values):
            raise ValueError(f"{name} are {list(values)[:5]}, not different names")
    decode_json(str, read.task.get("name"), "task.name")
    for name, value in read.model.items():
        if not _is_plausible(value):
            raise ValueError(f"model.{name} is {str(value)[:40]}")


def _is_plausible(value):
    """Whether a value is a text, a number that an architecture may have, or a list of these."""
    if isinstance(value, list):
        return len(value) <= 1000 and all(map(_is_plausible, value))
    if isinstance(value, (int, float)):
        return abs(value) <= MAX_NUMBER  # false of NaN; isfinite takes no integer beyond all floats
    return value is None or isinstance(value, str)


def check_split(split: Any) -> None:
    """Check split.json: part → names of its recordings. Raises ValueError: it is something else."""
    parts = decode_json(dict[str, tuple[str, ...]], split, "split")
    if not {"train", "validation", "test"} <= set(parts):
        raise ValueError("split.json has no train, validation and test")


def check_decision(decision: Any, classes: int) -> None:
    """Check decision.json: the threshold of a detector, or the thresholds of `classes` labels; the temperature.

    Raises:
        ValueError: It is something else.
    """
    for name, value in decode_json(dict[str, Any], decision, "decision").items():
        kind = tuple[float, ...] if name == "thresholds" else float
        thresholds = decode_json(kind, value, name)
        if isinstance(thresholds, tuple) and len(thresholds) != classes:
            raise ValueError(f"{len(thresholds)} thresholds for {classes} labels")
    check_temperature(decision)


def check_keras_archive(path: Path) -> None:
    """Check model.keras before Keras opens it: its parts, their sizes unpacked, and their sums.

    Raises:
        ValueError: It is damaged, or unpacks to more than a model of ecg-edge has.
        OSError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            sizes = {member.filename: member.file_size for member in members}
            if sizes.keys() != PARTS.keys() or len(members) != len(PARTS):
                raise ValueError(f"it holds {', '.join(sorted(sizes))[:100] or 'nothing'}")
            for name, limit in PARTS.items():
                if sizes[name] > limit:
                    raise ValueError(f"{name} unpacks to {sizes[name]:,} bytes, at most {limit:,} are read")
            damaged = archive.testzip()
    except OSError:
        raise
    except Exception as error:  # zipfile, zlib, bz2 and lzma each have their own
        raise ValueError(f"it is damaged ({str(error)[:100] or type(error).__name__})") from None
    if damaged:
        raise ValueError(f"it is damaged: {damaged} does not match its sum")
