"""What an evaluation on other data has in common with the training is found, refused or left out, and counted."""

import shutil

import pytest

from ecg_edge.api.training_run import create_run
from ecg_edge.demo import write_wfdb
from ecg_edge.evaluation.evaluator import select_examples
from ecg_edge.records.databases.catalogue import join_databases
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.reporter import Reporter
from ecg_edge.run import Run
from firmware_bench.runtime.errors import InputError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path_factory.mktemp("cache")))


def write_folder(folder, seeds, patient="", name="r"):
    """Two recordings of each seed, AF and SNR, of one patient each where `patient` is a template."""
    folder.mkdir()
    lines = ["record,label,patient"]
    for seed in seeds:
        for rhythm in ("AF", "SNR"):
            stem = write_wfdb(synthesise(rhythm, seed, seconds=10), folder).name
            renamed = f"{name}{rhythm}{seed}"
            for suffix in (".hea", ".dat"):
                file = folder / f"{stem}{suffix}"
                text = file.read_bytes().replace(stem.encode(), renamed.encode()) if suffix == ".hea" else None
                if text:
                    (folder / f"{renamed}{suffix}").write_bytes(text)
                    file.unlink()
                else:
                    file.rename(folder / f"{renamed}{suffix}")
            lines.append(f"{renamed},{rhythm},{patient.format(seed)}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def start(data, folder, messages=None, settings=()):
    reporter = Reporter()
    if messages is not None:
        reporter.message = messages.append
    return create_run("cnn", "tiny", str(data), ["II"], settings=settings, folder=folder, reporter=reporter)


@pytest.fixture
def run(tmp_path):
    """A run of ten patients with two recordings each, not trained."""
    return start(write_folder(tmp_path / "training", range(10), "p{}"), tmp_path / "run")


def known(run):
    return {name for part in ("train", "validation") for name in run.split[part]}


def test_signals_are_recognised_under_other_names_and_with_them_their_patients(run, tmp_path):
    copies = write_folder(tmp_path / "copies", (0, 1, 77), "someone else {}", name="x")
    (copies / "xSNR0.dat").write_bytes((copies / "xSNR77.dat").read_bytes()[::-1])  # another one of patient 0
    expected = [name for name in ("xAF0", "xSNR0", "xAF1", "xSNR1") if name.replace("x", "r") in known(run)]
    assert expected
    with pytest.raises(InputError, match=rf"{len(expected)} of 6 recordings.*recognised by its signal.*leave-out"):
        select_examples(run, str(copies))
    selection = select_examples(run, str(copies), "leave-out")
    assert {selection.examples.entries[i].name for i in selection.examples.records}.isdisjoint(expected)
    assert selection.overlap["recordings"] == len(expected) and selection.overlap["signals_compared"]
    assert set(selection.overlap["recognised_by"]) == {"signal", "patient"}
    kept = select_examples(run, str(copies), "keep")
    assert len(kept.examples) > len(selection.examples) and kept.overlap["recordings"] == len(expected)


def test_patients_are_recognised_in_another_folder(run, tmp_path):
    later = write_folder(tmp_path / "later", range(50, 60), "p{}")
    table = later / "labels.csv"
    table.write_text(table.read_text().replace(",p5", ",p"))  # p0 … p9, a year later
    patients = {name[-1] for name in known(run)}
    selection = select_examples(run, str(later), "leave-out")
    assert selection.overlap["patients"] == len(patients) and selection.overlap["recognised_by"] == {"patient": 18}


def test_other_recordings_of_nameless_people_have_nothing_in_common(run, tmp_path):
    other = write_folder(tmp_path / "other", range(20, 23))
    selection = select_examples(run, str(other))
    assert selection.overlap == {
        "rule": "refuse",
        "recordings": 0,
        "patients": 0,
        "recognised_by": {},
        "signals_compared": True,
    }


def test_the_training_data_need_not_be_there(run, tmp_path):
    copies = write_folder(tmp_path / "copies", range(10), name="x")
    shutil.rmtree(tmp_path / "training")
    with pytest.raises(InputError, match="18 of 20 recordings"):
        select_examples(Run(run.path), str(copies))


def test_a_run_of_an_earlier_version_compares_names_and_says_so(run, tmp_path):
    copies = write_folder(tmp_path / "copies", range(10), name="x")
    later = write_folder(tmp_path / "later", (3,), "p{}", name="y")
    (run.path / "identities.json").unlink()
    old = Run(run.path)
    selection = select_examples(old, str(copies))
    assert not selection.overlap["signals_compared"] and selection.overlap["recordings"] == 0
    assert select_examples(old, str(later), "keep").overlap["recordings"] == 2 * ("rAF3" in known(old))


def test_a_damaged_file_of_identities_is_named(run, tmp_path):
    other = write_folder(tmp_path / "other", (20,))
    for text in ("{", "[]", '{"people": 3}', '{"people": [], "recordings": [], "signals": 1}'):
        (run.path / "identities.json").write_text(text)
        with pytest.raises(InputError, match=r"identities\.json is damaged"):
            select_examples(Run(run.path), str(other))


def test_nothing_left_is_refused(run, tmp_path):
    seeds = [int(name[-1]) for name in known(run) if name.startswith("rAF")]
    copies = write_folder(tmp_path / "copies", seeds, name="x")
    with pytest.raises(InputError, match="no recording to evaluate on"):
        select_examples(run, str(copies), "leave-out")


def test_unknown_ways_to_treat_an_overlap_are_refused(run):
    with pytest.raises(InputError, match="leave-out"):
        select_examples(run, "synthetic", "leave out")


def test_copies_within_the_data_are_on_one_side(tmp_path):
    one = write_folder(tmp_path / "one", range(8), "a{}")
    two = write_folder(tmp_path / "two", range(4, 12), "b{}", name="x")
    messages = []
    data = f"{one}+{two}"
    run = start(data, tmp_path / "run", messages)
    assert any("8 recordings have the signal of another one" in text and "8 are left out" in text for text in messages)
    names = [name for part in run.split.values() for name in part]
    assert len(names) == len(set(names)) == 24 and not any(name.startswith("two/xAF4") for name in names)
    database = join_databases([str(one), str(two)])
    assert len(database.index(database.folder)) == 32


@pytest.mark.slow
def test_real_ptbxl_is_refused_by_a_run_on_its_union_with_derived_recordings(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_DATA", str(real_data("ptbxl").parent))
    real_data("ptbxl_filtered")
    run = start(
        "ptbxl+ptbxl_filtered", tmp_path / "run", settings=["signal.mode=offline", "signal.normalise=record"]
    )  # mV, NU
    for name in ("ptbxl", "ptbxl100"):
        with pytest.raises(InputError, match="371 of 429 recordings"):
            select_examples(run, name)
    selection = select_examples(run, "ptbxl", "leave-out")
    assert len(set(selection.examples.records.tolist())) == 58
