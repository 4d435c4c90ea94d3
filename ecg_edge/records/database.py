"""Database: what every source of recordings offers."""

from pathlib import Path

from ecg_edge.records.formats.wfdb_format import read_wfdb
from ecg_edge.records.record import Entry, Record


class Database:
    """One public database, or a kind of folder. Readers derive from it, one file each.

    name: as given to --data. folder_name: its folder under ECG_EDGE_DATA. physionet: "slug/version" or None, and
    physionet_files: shell patterns of the files there that are wanted.
    classes: the labels of whole recordings in their official order, () where it labels none. fs: in Hz, None where it
    varies. leads: those of a complete recording, None where they vary, () where they follow from the recordings.
    annotated: whether its records carry beats and rhythm intervals. numbering: data sets with the same one, not None,
    call the same recording by the same file name.
    """

    name: str
    title: str
    licence: str
    physionet: str | None = None
    physionet_files: tuple[str, ...] = ("*",)
    classes: tuple[str, ...] = ()
    fs: float | None = None
    leads: tuple[str, ...] | None = None
    annotated: bool = False
    numbering: str | None = None

    @property
    def folder_name(self) -> str:
        """The database's folder under ECG_EDGE_DATA."""
        return self.name

    def is_at(self, folder: Path) -> bool:
        """Whether `folder` holds this database: looks at marker files only."""
        raise NotImplementedError

    def index(self, folder: Path) -> list[Entry]:
        """The labelled recordings, without their signals. Raises InputError: label files missing or corrupt."""
        raise NotImplementedError

    def read(self, folder: Path, entry: Entry) -> Record:
        """The recording of `entry`. Raises RecordError."""
        return read_wfdb(folder / entry.path, entry)

    def recordings(self, folder: Path) -> dict[str, str]:
        """Every recording there is, labelled or not: name → path without suffix, relative to `folder`."""
        return {entry.name: entry.path for entry in self.index(folder)}

    def label_files(self, folder: Path) -> list[Path]:
        """The files, beside headers and annotations, that say what the recordings are."""
        return []

    def remarks(self, folder: Path) -> list[tuple[str, str]]:
        """What is suspicious about the labels themselves: pairs of record name and remark."""
        return []
