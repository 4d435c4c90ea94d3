"""RecordFormat: what a file format of ECG recordings offers."""

import abc
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ecg_edge.records.record import Entry, Record
from ecg_edge.records.record_error import RecordError, describe_error

HEAD_BYTES = 4096  # by which a file's format is recognised


class RecordFormat(abc.ABC):
    """A file format of ECG recordings.

    One module per format derives from it; `format_registry.FORMATS` lists them. A recording is named by its stem: the
    path of its files without suffix.

    Attributes:
        name: As messages print it, for example "WFDB".
        suffixes: Suffixes of a recording's files, with the dot. Every recording has a file with the first one; the
            others are accepted as well where a user names a recording by one of its files.
    """

    name: str
    suffixes: tuple[str, ...]

    @property
    def main_suffixes(self) -> tuple[str, ...]:
        """The suffixes of which every recording has one."""
        return self.suffixes[:1]

    def main_file(self, stem: Path | str) -> str:
        """The path of the file that every recording in this format has."""
        return f"{stem}{self.suffixes[0]}"

    def is_at(self, stem: Path | str) -> bool:
        """Whether there is a recording in this format at `stem`.

        A format that shares its suffix with another one looks into the file here.
        """
        return os.path.isfile(self.main_file(stem))

    @abc.abstractmethod
    def read(self, stem: Path, entry: Entry) -> Record:
        """Read a recording.

        Args:
            stem: The recording's path without suffix.
            entry: Gives the record's name, patient and labels.

        Returns:
            The recording, its signal float32 (samples, leads) in mV, NaN where no sample was taken.

        Raises:
            RecordError: A file is missing, truncated or corrupt.
        """

    def identity(self, stem: str) -> Iterator[tuple[str, bytes]]:
        """The recording's files, each with the bytes that identify its content, for the data set's fingerprint.

        By default the whole main file. A format whose header holds checksums needs to read that alone.
        """
        yield self.main_file(stem), Path(self.main_file(stem)).read_bytes()

    def check_files(self, stem: Path) -> list[str]:
        """What is suspicious about the files of a recording that can be read: one line each."""
        return []

    def list_parts(self, stem: Path) -> list[Path]:
        """The stems of other recordings that are parts of the one at `stem`, its segments."""
        return []


class SingleFileFormat(RecordFormat):
    """A format whose recordings are one file each, recognised by its first bytes.

    A recording is named by its path with or without suffix; `suffixes` are spellings of one suffix, in any case.

    Attributes:
        shared_suffix: Whether files of other content have the same suffix, so that `is_at` looks into the file.
        certain_by_content: Whether the first bytes tell the format even where the suffix is another one.
        largest_bytes: Larger files are refused before they are read.
    """

    shared_suffix = False
    certain_by_content = True
    largest_bytes = 2**26

    @property
    def main_suffixes(self) -> tuple[str, ...]:
        return self.suffixes

    def main_file(self, stem: Path | str) -> str:
        spellings = [f"{stem}{spelt}" for suffix in self.suffixes for spelt in (suffix, suffix.upper())]
        return next((path for path in (*spellings, str(stem)) if os.path.isfile(path)), spellings[0])

    def is_at(self, stem: Path | str) -> bool:
        path = self.main_file(stem)
        certain = path != str(stem) and not self.shared_suffix  # by its suffix
        return os.path.isfile(path) and (certain or self.recognises(read_head(path)))

    @abc.abstractmethod
    def recognises(self, head: bytes) -> bool:
        """Whether the first bytes of a file are those of this format.

        Args:
            head: Its first HEAD_BYTES bytes.
        """

    def identity(self, stem: str) -> Iterator[tuple[str, bytes]]:
        """The file with a digest of its whole content, which is read piece by piece."""
        path = self.main_file(stem)
        with open(path, "rb") as file:
            yield path, hashlib.file_digest(file, "sha256").digest()

    def open_main_file(self, stem: Path) -> tuple[str, int]:
        """Find the file of a recording, and look at its first bytes and its size before it is read.

        Args:
            stem: The recording.

        Returns:
            Its path and its size in bytes.

        Raises:
            RecordError: It is missing, no file, too large, or not in this format.
        """
        path = self.main_file(stem)
        if not os.path.isfile(path):
            raise RecordError(f"{path} is missing")
        size = os.path.getsize(path)
        if size > self.largest_bytes:
            raise RecordError(f"{path} holds {size} bytes: a {self.name} file has at most {self.largest_bytes}")
        if not self.recognises(read_head(path)):
            raise RecordError(f"{path} is no {self.name} file: its first bytes are not those of one")
        return path, size


def read_head(path: str) -> bytes:
    """Read a file's first HEAD_BYTES bytes. Raises RecordError: it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {describe_error(error)}") from None
