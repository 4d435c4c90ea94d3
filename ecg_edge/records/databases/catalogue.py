"""Every database by name, and finding the one that `--data` means."""

import contextlib
import os
from pathlib import Path

from ecg_edge.records.database import Database
from ecg_edge.records.databases.afdb import Afdb
from ecg_edge.records.databases.afpdb import Afpdb
from ecg_edge.records.databases.aftdb import Aftdb
from ecg_edge.records.databases.challenge2021 import Challenge2021
from ecg_edge.records.databases.cinc2017 import Cinc2017
from ecg_edge.records.databases.cpsc2018 import Cpsc2018
from ecg_edge.records.databases.cpsc2021 import Cpsc2021
from ecg_edge.records.databases.cudb import Cudb
from ecg_edge.records.databases.icentia11k import Icentia11k
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.databases.labels_columns import find_explicit_labels, find_labels_file
from ecg_edge.records.databases.ltafdb import Ltafdb
from ecg_edge.records.databases.ludb import Ludb
from ecg_edge.records.databases.mapped_database import MappedDatabase
from ecg_edge.records.databases.mimic_iv_ecg import MimicIvEcg
from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.databases.nstdb import Nstdb
from ecg_edge.records.databases.ptbxl import Ptbxl
from ecg_edge.records.databases.svdb import Svdb
from ecg_edge.records.databases.synthetic import SYNTHETIC
from ecg_edge.records.databases.union import DatabaseUnion
from ecg_edge.records.label_maps import CLASSES, find_label_map
from firmware_bench.runtime.errors import InputError, unknown_name

# A folder is taken for the first database that recognises it. A new database is one more line.
ON_DISK: tuple[Database, ...] = (
    Cinc2017(),
    Challenge2021(),  # before CPSC 2018, which is part of it
    Cpsc2018(),
    Cpsc2021(),
    Mitdb(),
    Ltafdb(),
    Ptbxl(),
    Ptbxl(rate=100),
    Svdb(),
    Aftdb(),
    Afdb(),
    Afpdb(),
    Cudb(),
    Nstdb(),
    Ludb(),
    Icentia11k(),
    MimicIvEcg(),
)
DATABASES: dict[str, Database] = {database.name: database for database in (SYNTHETIC, *ON_DISK)}


def locate(data: str, labelled: bool = True) -> tuple[Database, Path]:
    """Find the database that `--data` means.

    Args:
        data: "synthetic"; a name that is looked up in ECG_EDGE_DATA and in ./data; a folder, which is recognised by its
            files or has a labels CSV; several of them joined by "+"; or "ptbxl@cpsc2018", a database with its labels
            mapped to those of another.
        labelled: Whether a folder without labels and annotations is refused.

    Returns:
        The database and its folder.

    Raises:
        InputError: There is no such database or folder.
    """
    if data == SYNTHETIC.name:
        return SYNTHETIC, Path()
    if data in DATABASES:
        return DATABASES[data], find_folder(DATABASES[data])
    for folder in [Path(data), *(root / data for root in list_data_roots())]:
        if data and folder.is_dir():
            return recognise_folder(folder, labelled), folder
    if "+" in data:
        union = join_databases(data.split("+"))
        return union, union.folder
    if "@" in data:
        return map_to(*data.split("@", 1))
    if os.sep in data:
        raise InputError(f"there is no folder {data}")
    raise unknown_name("database or folder", data, {*DATABASES, *list_folder_names()})


def join_databases(names: list[str]) -> DatabaseUnion:
    """Join the databases or folders called `names`. Raises InputError: one does not exist, or they do not fit."""
    if SYNTHETIC.name in names:
        raise InputError("synthetic ECG is for demos and tests alone: it cannot be joined with recordings")
    return DatabaseUnion([locate(name) for name in names])


def map_to(data: str, wanted: str) -> tuple[Database, Path]:
    """Map the labels of a database to those of the one called `wanted`. Raises InputError: no map is written."""
    database, folder = locate(data)
    classes = CLASSES.get(wanted, ())
    label_map = find_label_map(database.name, database.classes, classes)
    if label_map is None:
        raise InputError(f"{data}@{wanted}: no map from the labels of {data} to those of {wanted} is written")
    return MappedDatabase(database, label_map, classes, f"{data}@{wanted}"), folder


def find_folder(database: Database) -> Path:
    """Find the folder of `database` under ECG_EDGE_DATA or ./data. Raises InputError: it is in neither."""
    candidates = [root / database.folder_name for root in list_data_roots()]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise InputError(
        f"{database.name} is not at {' or '.join(map(str, candidates))}: 'ecg-edge data download "
        f"{database.folder_name}' fetches it; ECG_EDGE_DATA names the folder that holds databases"
    )


def recognise_folder(folder: Path, labelled: bool = True) -> Database:
    """Recognise the database in a folder. An explicit labels.csv wins over what the files look like.

    Raises:
        InputError: It is none, has neither a table of labels nor annotated recordings, and is to be `labelled`.
    """
    if find_explicit_labels(folder) is None:
        for database in ON_DISK:
            if database.is_at(folder):
                return database
    return LabelledFolder(folder, labelled)


def list_data_roots() -> list[Path]:
    """List the folders that hold databases under their names: ECG_EDGE_DATA, then ./data."""
    return [Path(root) for root in (os.environ.get("ECG_EDGE_DATA"), "data") if root]


def list_folder_names() -> list[str]:
    """List the names of all folders under ECG_EDGE_DATA and ./data."""
    return [folder.name for root in list_data_roots() if root.is_dir() for folder in root.iterdir() if folder.is_dir()]


def discover_databases() -> list[tuple[Database, Path | None]]:
    """List every known database with its folder, None where it is not here, then labelled folders beside them."""
    found: list[tuple[Database, Path | None]] = []
    for database in DATABASES.values():
        try:
            found.append(locate(database.name))
        except InputError:
            found.append((database, None))
    known = {database.folder_name for database in DATABASES.values()}
    for root in list_data_roots():
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if folder.is_dir() and folder.name not in known:
                with contextlib.suppress(InputError, OSError):  # a damaged table, say: data check DIR says which
                    if find_labels_file(folder):
                        found.append((LabelledFolder(folder), folder))
    return found
