"""RecordFormat: what a file format of ECG recordings offers."""

import abc
import os
from collections.abc import Iterator
from pathlib import Path

from ecg_edge.records.record import Entry, Record


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
