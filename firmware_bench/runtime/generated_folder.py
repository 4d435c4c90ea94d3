"""A folder of generated files in which a user may keep and change files as well.

A manifest lists the digests of the files that were generated. Writing again replaces a file only while its digest says
that nobody changed it, and removes what is no longer generated on the same condition.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_folder, atomic_write

MANIFEST = "ecg_edge_files.json"


def write_generated_folder(folder: str | os.PathLike, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write generated files into a folder.

    A folder that does not exist or is empty is written atomically. In one that was generated before, each file is
    replaced atomically, and after an interruption writing again ends the work.

    Args:
        folder: The folder.
        files: Path relative to the folder, with "/" → content.

    Returns:
        The paths that were left as they are: files that were changed since they were generated, or that are the user's
        own. Remove one to have it generated anew.

    Raises:
        InputError: The folder holds files and no manifest, so that nobody can tell whose they are, or a manifest that
            cannot be read.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder")
    if not folder.exists() or not any(folder.iterdir()):
        _write_new(folder, files)
        return ()
    known = _read_manifest(folder)
    kept = [name for name in sorted({*known, *files}) if not _may_replace(folder / name, known.get(name, []))]
    written = {name: content for name, content in files.items() if name not in kept}
    # Until all are written either content is the tool's: an interruption does not turn a file into the user's.
    remembered = {name: known[name] for name in kept if name in known and name in files}
    both = {name: [*known.get(name, []), _digest(content)] for name, content in written.items()}
    _write_manifest(folder, {**known, **both})
    for name, content in written.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(content)
    for name in known.keys() - files.keys() - set(kept):
        (folder / name).unlink(missing_ok=True)
    _write_manifest(folder, {**remembered, **{name: [_digest(content)] for name, content in written.items()}})
    return tuple(kept)


def _write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    with atomic_folder(folder) as temporary:
        for name, content in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
        _write_manifest(temporary, {name: [_digest(content)] for name, content in files.items()})
        if folder.exists():
            folder.rmdir()  # empty; a rename does not replace it everywhere


def _may_replace(path: Path, digests: list[str]) -> bool:
    """Whether there is no file at `path`, or one with a digest of the manifest."""
    if not os.path.lexists(path):
        return True
    return path.is_file() and not path.is_symlink() and _digest(path.read_bytes()) in digests


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_manifest(folder: Path, digests: Mapping[str, list[str]]) -> None:
    text = json.dumps({"about": "SHA-256 of the files that ecg-edge generated", "files": digests}, indent=2)
    with atomic_write(folder / MANIFEST) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _read_manifest(folder: Path) -> dict[str, list[str]]:
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds files and no {MANIFEST}: choose another folder, or remove it")
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        known = {str(name): [str(digest) for digest in digests] for name, digests in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path} is damaged: choose another folder, or remove it") from None
    for name in known:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise InputError(f"{path} names {name!r}, which is outside the folder: remove it")
    return known
