"""The same recording and the same person are recognised in another form, under another name and in another database."""

import dataclasses
import json

import numpy as np
import pytest

from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.databases.mitdb import Mitdb
from ecg_edge.records.databases.nstdb import Nstdb
from ecg_edge.records.identity import Identities, digest_leads, find_copies, merge_copies
from ecg_edge.records.record import Entry
from ecg_edge.records.split import split

SIGNAL = np.round(np.random.default_rng(0).normal(0, 300, (4000, 3))).astype(np.float32)  # as digitised


@pytest.mark.parametrize(
    "other",
    [
        SIGNAL / np.float32(1000),  # mV for µV
        SIGNAL * np.float32(0.005) - np.float32(5.12),  # a gain and a baseline
        SIGNAL[:, [2, 0, 1]],
        SIGNAL[:, 1:2],
        np.column_stack([np.zeros(4000), SIGNAL[:, 1], np.full(4000, np.nan)]).astype(np.float32),
        (SIGNAL - SIGNAL.mean(axis=0)) / SIGNAL.std(axis=0),
    ],
    ids=["unit", "gain", "order of leads", "one lead", "other leads lost", "z-scores"],
)
def test_a_recording_is_recognised_in_another_form(other):
    assert set(digest_leads(SIGNAL)) & set(digest_leads(other))


@pytest.mark.parametrize("other", [SIGNAL[:-1], SIGNAL[::-1], SIGNAL + SIGNAL[:, [1, 2, 0]]])
def test_another_signal_is_another_recording(other):
    assert not set(digest_leads(SIGNAL)) & set(digest_leads(other))


def test_flat_leads_and_square_waves_identify_nothing():
    pulses = (np.arange(4000) % 500 < 100).astype(np.float32)
    assert digest_leads(np.column_stack([np.zeros(4000), np.full(4000, np.nan), pulses])) == ()
    assert digest_leads(None) == ()


def test_lost_samples_are_part_of_the_signal():
    with_gap = SIGNAL.copy()
    with_gap[100:200] = np.nan
    assert digest_leads(with_gap) == digest_leads(with_gap.copy()) != digest_leads(SIGNAL)


def entry(name, patient, person="", source=""):
    return Entry(name, name, patient, person=person, source=source)


LEARNT = Identities.of(
    [entry("a", "1", "mitdb/118"), entry("b", "2", "ptbxl/7", "ptbxl/9"), entry("c", "3")],
    {"a": ("s1", "s2"), "b": ("s3",), "c": ("s4",)},
)


def test_what_is_shared_is_found_by_recording_person_and_signal():
    entries = [
        entry("118e00", "118", "mitdb/118"),
        entry("00009", "x", source="ptbxl/9"),
        entry("renamed", "y"),
        entry("another of y", "y"),
        entry("new", "z", "ptbxl/8", "ptbxl/10"),
    ]
    assert LEARNT.find_shared(entries, {"renamed": ("s0", "s4"), "new": ("s5",)}) == {
        "118e00": "patient",
        "00009": "recording",
        "renamed": "signal",
        "another of y": "patient",
    }


def test_nothing_is_known_of_nameless_people_and_recordings():
    assert Identities.of([entry("a", "1")], {}).find_shared([entry("a", "1")], {}) == {}


def test_identities_are_plain_data_without_names():
    plain = json.loads(json.dumps(LEARNT.to_dict()))
    assert Identities.from_dict(plain) == LEARNT
    assert "118" not in "".join(plain["people"])[:8] and not any("/" in hashed for hashed in plain["people"])


def test_unknown_signals_stay_unknown():
    old = Identities.of([entry("a", "1", "mitdb/100")], None)
    assert old.signals is None and Identities.from_dict(old.to_dict()) == old and old.join(LEARNT).signals is None
    assert LEARNT.join(LEARNT) == LEARNT


def test_copies_are_counted_once_and_make_their_patients_one_person():
    entries = [entry("a", "p"), entry("b", "q"), entry("c", "q"), entry("d", "r"), entry("e", "s")]
    digests = {"a": ("1", "2"), "b": ("2",), "c": ("3",), "d": ("3", "4"), "e": ("5",)}
    copies = find_copies(entries, digests)
    assert copies == {"b": "a", "d": "c"}
    assert [(kept.name, kept.patient) for kept in merge_copies(entries, copies)] == [("a", "p"), ("c", "p"), ("e", "s")]


def test_a_published_split_stays_as_it_is_and_copies_of_what_tests_do_not_train():
    folds = {"a": 1, "b": 2, "c": 10, "d": 3, "e": 9, "f": 10}
    entries = [dataclasses.replace(entry(name, name), fold=fold) for name, fold in folds.items()]
    copies = {"b": "a", "d": "c", "f": "e"}
    kept = {entry.name: entry.patient for entry in merge_copies(entries, copies)}
    assert kept == {"a": "a", "b": "a", "c": "c", "f": "f"}
    whole = [*entries, dataclasses.replace(entry("g", "g"), fold=9)]
    assert split(merge_copies(whole, copies), 0)["test"] == ["c", "f"]


def test_copies_of_copies_name_the_first():
    entries = [entry(name, name) for name in "abc"]
    assert find_copies(entries, {"a": ("1",), "b": ("1", "2"), "c": ("2",)}) == {"b": "a", "c": "a"}


def digest(database, folder, entries):
    return {entry.name: digest_leads(database.read(folder, entry).signal) for entry in entries}


def test_a_real_recording_exported_by_its_owner_is_recognised(real_data, tmp_path, write_record):
    mitdb, folder = Mitdb(), real_data("mitdb")
    chosen = [entry for entry in mitdb.index(folder) if entry.name == "114"]
    record = mitdb.read(folder, chosen[0])
    (tmp_path / "mine").mkdir()
    np.savetxt(tmp_path / "mine" / "holter.txt", record.signal[:, 0] * 1000, fmt="%.1f")  # µV, one decimal
    learnt = Identities.of(chosen, digest(mitdb, folder, chosen))
    again = np.loadtxt(tmp_path / "mine" / "holter.txt", dtype=np.float32)[:, None]
    assert learnt.find_shared([entry("holter", "Mrs X")], {"holter": digest_leads(again)}) == {"holter": "signal"}


def test_real_copies_of_ptbxl_are_of_people_who_are_said_to_be_two(real_data):
    database, folder = locate(str(real_data("ptbxl")))
    chosen = [entry for entry in database.index(folder) if entry.name in ("00145", "00456", "00457", "00463")]
    copies = find_copies(chosen, digest(database, folder, chosen))
    assert copies == {"00457": "00456", "00463": "00145"}
    merged = {entry.name: entry.patient for entry in merge_copies(chosen, copies)}
    assert merged == {"00145": "16690", "00456": "16773", "00457": "16773", "00463": "16690"}


def test_real_noisy_recordings_are_of_people_of_mitdb(real_data):
    mitdb, nstdb = Mitdb(), Nstdb()
    entries = [entry for entry in mitdb.index(real_data("mitdb")) if entry.part == "train"]
    shared = Identities.of(entries, {}).find_shared(nstdb.index(real_data("nstdb")), {})
    assert shared == dict.fromkeys(["118e00", "118e06", "119e00", "119e06"], "patient")


def test_real_minutes_of_aftdb_are_of_people_of_ltafdb(real_data):
    ltafdb, aftdb = (locate(str(real_data(name))) for name in ("ltafdb", "aftdb"))
    entries = [entry for entry in ltafdb[0].index(ltafdb[1]) if entry.part == "train"]
    shared = Identities.of(entries, None).find_shared(aftdb[0].index(aftdb[1]), {})
    assert len(shared) == 76  # all but the four of patients who test


def test_real_ptbxl_is_known_from_its_union_with_derived_recordings(real_data, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(real_data("ptbxl").parent))
    real_data("ptbxl_filtered")
    union, folder = locate("ptbxl+ptbxl_filtered")
    learnt = Identities.of([entry for entry in union.index(folder) if entry.fold != 10], None)
    for name in ("ptbxl", "ptbxl100", "ptbxl_filtered"):
        database, own = locate(name)
        entries = database.index(own)
        shared = learnt.find_shared(entries, {})
        folds = {entry.name for entry in entries if entry.fold != 10}
        assert set(shared) == folds, name


def test_renaming_a_union_member_hides_nothing():
    member = dataclasses.replace(entry("00009", "5", "ptbxl/5", "ptbxl/9"), name="some/00009", patient="some/5")
    assert LEARNT.find_shared([member], {}) == {"some/00009": "recording"}
