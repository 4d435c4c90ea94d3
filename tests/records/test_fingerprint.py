import os
import shutil
import struct
import time

import numpy as np
import pytest
import scipy.io
from small_files import ecg, edf

from ecg_edge.records.databases.cpsc2018 import Cpsc2018
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.fingerprint import compute_cache_stamp, fingerprint


@pytest.fixture
def folder(tmp_path, write_record):
    for name in ("a", "b"):
        write_record(tmp_path / "x", name, seed=ord(name))
    (tmp_path / "x" / "labels.csv").write_text("record,label\na,N\nb,A\n")
    return tmp_path / "x"


def of(folder, what=fingerprint):
    database = LabelledFolder(folder)
    return what(database, folder, database.index(folder))


def test_the_fingerprint_does_not_depend_on_place_and_order(folder):
    before = of(folder)
    assert len(before) == 16 and int(before, 16)
    copy = folder.parent / "elsewhere" / "x"
    shutil.copytree(folder, copy)
    assert of(copy) == before
    database = LabelledFolder(folder)
    assert fingerprint(database, folder, reversed(database.index(folder))) == before


def test_changes_with_labels_headers_annotations_and_signals(folder, write_record):
    seen = {of(folder)}
    (folder / "labels.csv").write_text("record,label\na,N\nb,N\n")
    seen.add(of(folder))
    write_record(folder, "b", seed=7)  # same length, another signal: the header's checksum tells
    seen.add(of(folder))
    (folder / "a.atr").write_bytes(b"\0\0")
    seen.add(of(folder))
    (folder / "a.dat").write_bytes((folder / "a.dat").read_bytes()[:-2])
    seen.add(of(folder))
    (folder / "a.dat").unlink()
    seen.add(of(folder))
    assert len(seen) == 6


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".edf"])
def test_annotations_beside_a_recording_in_another_format_count(tmp_path, suffix):
    (tmp_path / "labels.csv").write_text("record,label\na,N\n")
    if suffix == ".npy":
        np.save(tmp_path / "a.npy", np.zeros(10))
    else:
        values = np.arange(500).reshape(2, 250)
        made = edf([ecg(values=values)]) if suffix == ".edf" else b"I\n" + b"0.5\n" * 100
        (tmp_path / f"a{suffix}").write_bytes(made)
    seen = {(of(tmp_path), of(tmp_path, compute_cache_stamp))}
    for content in (bytes(2), b"\0\4\0\0"):
        (tmp_path / "a.atr").write_bytes(content)
        seen.add((of(tmp_path), of(tmp_path, compute_cache_stamp)))
    fingerprints, stamps = map(set, zip(*seen, strict=True))
    assert len(fingerprints) == len(stamps) == 3
    os.utime(tmp_path / "a.atr", (1, 1))
    assert of(tmp_path) in fingerprints and of(tmp_path, compute_cache_stamp) not in stamps


def test_a_repaired_file_changes_the_cache_stamp_only(folder):
    before = of(folder), of(folder, compute_cache_stamp)
    assert of(folder, compute_cache_stamp) == before[1]
    os.utime(folder / "b.dat", (1, 1))
    assert of(folder) == before[0]
    assert of(folder, compute_cache_stamp) != before[1]


def test_structs_are_distinguished_by_their_ends(tmp_path):
    (tmp_path / "REFERENCE.csv").write_text("Recording,First_label,Second_label,Third_label\nA0001,1,,\n")
    file = tmp_path / "A0001.mat"
    scipy.io.savemat(file, {"ECG": {"data": np.random.default_rng(0).normal(size=(12, 900))}}, do_compression=True)
    seen = {fingerprint(Cpsc2018(), tmp_path, Cpsc2018().index(tmp_path))}
    content = file.read_bytes()
    file.write_bytes(content[:-4] + bytes(4))  # the end is the checksum of the compressed content
    seen.add(fingerprint(Cpsc2018(), tmp_path, Cpsc2018().index(tmp_path)))
    assert len(seen) == 2


def test_fingerprints_stay_those_of_existing_runs(tmp_path):
    """A run opens only where its data have the fingerprint that it was trained with, in any later version."""
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "a.hea").write_bytes(b"a 1 250 4\na.dat 16 200 16 0 1 10 0 I\n# Dx: NSR\n")
    (folder / "a.dat").write_bytes(struct.pack("<4h", 1, 2, 3, 4))
    (folder / "a.atr").write_bytes(b"\0\4\0\0")
    (folder / "b.mat").write_bytes(bytes(range(256)) * 2)
    (folder / "labels.csv").write_text("record,label,patient,fold\na,N,p,1\nb,AF;N,q,9\n")
    assert of(folder) == "0fae62fb88ce2021"


def test_real_recordings_quickly(real_data):
    from ecg_edge.records.databases.cinc2017 import Cinc2017

    folder = real_data("cinc2017")
    entries = Cinc2017().index(folder)
    start = time.process_time()  # of the processor, so that a busy machine does not fail it
    fingerprint(Cinc2017(), folder, entries)
    assert time.process_time() - start < 2.0
