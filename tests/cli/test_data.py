import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from ecg_edge.cli.data import command
from ecg_edge.records.formats.wfdb_format import import_wfdb
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """ECG_EDGE_DATA with one labelled folder, "hospital", of three recordings; no other database."""
    monkeypatch.setenv("ECG_EDGE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hospital").mkdir()
    (tmp_path / "hospital" / "labels.csv").write_text("record,label\na,N\nb,AF;N\nc,AF\n")
    for seed, name in enumerate("abc"):
        signal = np.random.default_rng(seed).normal(size=(1000, 1))
        with warnings.catch_warnings():  # wfdb's use of pandas is deprecated
            warnings.simplefilter("ignore")
            import_wfdb().wrsamp(name, 250, ["mV"], ["I"], signal, fmt=["16"], write_dir=str(tmp_path / "hospital"))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(command, arguments)


def test_list(root):
    listed = json.loads(run("list", "--json").stdout)
    assert listed["hospital"]["records"] == 3
    assert listed["hospital"]["labels"] == {"N": 2, "AF": 2}
    assert listed["hospital"]["folder"] == str(root / "hospital")
    assert (listed["cinc2017"]["folder"], listed["cinc2017"]["records"]) == (None, None)
    assert listed["synthetic"]["annotated"] == "beats and rhythms" and listed["hospital"]["annotated"] is None
    assert listed["synthetic"]["records"] > 0 and listed["synthetic"]["problem"] is None
    shown = run("list")
    assert "hospital" in shown.stdout and "AF 2" in shown.stdout
    assert "beats and rhythms" in " ".join(shown.stdout.split())
    assert shown.stderr.splitlines()[-1].startswith("next: ")


def test_list_reports_a_damaged_label_file(root):
    (root / "cinc2017").mkdir()
    assert "REFERENCE-v3.csv is missing" in json.loads(run("list", "--json").stdout)["cinc2017"]["problem"]


def test_check_of_good_recordings(root):
    result = run("check", "hospital")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[:4] == [
        "hospital is taken for: labelled folder, labels in labels.csv (hospital)",
        "3 recordings of 3 patients; N 2, AF 2",
        "note: labels.csv: no column of patients: each recording counts as a patient of its own",
        "3 of 3 recordings of hospital can be read, nothing suspicious",
    ]
    assert result.stderr.splitlines()[-1] == "next: ecg-edge train --arch cnn_att_bilstm --data hospital"


def test_check_with_warnings_only(root):
    (root / "hospital" / "labels.csv").write_text("record,label\na,N\nb,AF\n")
    result = run("check", str(root / "hospital"))
    assert result.exit_code == 0
    assert "recording without label" in result.stdout
    assert "2 of 2 recordings of hospital can be read; 1 have warnings" in result.stderr


def test_check_with_unreadable_recordings(root):
    (root / "hospital" / "b.dat").write_bytes(b"short")
    result = run("check", "hospital", "--json")
    assert isinstance(result.exception, InputError) and result.exception.exit_status == 2
    assert str(result.exception).startswith("1 of 3 recordings cannot be read") and "b" in str(result.exception)
    report = json.loads(result.stdout)
    assert (report["records"], report["unreadable"], report["suspicious"]) == (3, ["b"], [])
    assert report["findings"][0]["severity"] == "error" and "b.dat" in report["findings"][0]["text"]
    assert "b.dat" in run("check", "hospital").stdout


def test_check_counts_annotations_and_names_what_is_left_out(root):
    folder = root / "hospital"
    marks = {"symbol": ["+", "N", "V", "+", "N"], "aux_note": ["(N", "", "", "(AFIB", ""]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_wfdb().wrann("a", "atr", np.array([0, 50, 300, 500, 700]), write_dir=str(folder), **marks)
    (folder / "labels.csv").write_text("Record ID;Diagnosis;PatientID;Ward\na;N;1;w\nb;;1;w\nx;AF;2;w\n")
    result = run("check", "hospital", "--json")
    assert json.loads(result.stdout)["summary"] == {
        "source": "hospital is taken for: labelled folder, labels in labels.csv (hospital)",
        "whole": {"recordings": 2, "patients": 1, "classes": {"N": 1}},
        "parts": {},
        "annotations": {"beats": {"N": 2, "V": 1}, "rhythm intervals": {"N": 1, "AFIB": 1}},
        "left_out": {"cannot be read": ["x"], "no label": ["b"], "not in the table of labels": ["c"]},
        "notes": ["labels.csv: columns that are not understood and not used: 'Ward'"],
    }
    lines = result.stderr.splitlines()
    assert "beats: N 2, V 1" in lines and "rhythm intervals: N 1, AFIB 1" in lines
    assert "left out, cannot be read: 1 (x)" in lines and "left out, no label: 1 (b)" in lines


def test_check_says_that_a_name_means_the_database_and_not_the_folders_own_labels(root):
    (root / "ltafdb").mkdir()
    (root / "ltafdb" / "00.hea").write_text("00 2 128 1000\n00.dat 16 200/mV 0 0 0 0 0 ECG\n00.dat 16 200/mV\n")
    (root / "ltafdb" / "labels.csv").write_text("record,label\n00,N\n")
    assert "labels.csv is not read: ltafdb names the database" in run("check", "ltafdb").stderr


def test_names_with_markup_or_escape_codes_are_printed_as_text(root):
    (root / "hospital" / "[bold]x\x1b[2J.hea").write_text("")
    table = "record,label\n[b]a[/b],N\nb,[/b]\nc,[red]AF\n"
    (root / "hospital" / "labels.csv").write_text(table)
    result = run("check", "hospital")
    assert "[red]AF 1" in result.stderr and "[/b] 1" in result.stderr
    assert r"[bold]x\x1b[2J" in result.stdout and "[b]a[/b]" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr


def test_check_of_annotations_without_signals(root):
    folder = root / "ltafdb"
    folder.mkdir()
    (folder / "00.hea").write_text("00 2 128 1000\n00.dat 16 200/mV 0 0 0 0 0 ECG\n00.dat 16 200/mV 0 0 0 0 0 ECG\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_wfdb().wrann("00", "atr", np.array([50]), symbol=["N"], write_dir=str(folder))
    result = run("check", "ltafdb")
    assert result.exit_code == 0 and "annotations alone" in result.stdout
    assert "1 of 1 recordings of ltafdb can be read, nothing suspicious" in result.stderr
    assert result.stderr.splitlines()[-1] == "next: ecg-edge train --arch rhythm_from_beats --data ltafdb"


def test_check_of_joined_data_sets(root):
    (root / "clinic").mkdir()
    (root / "clinic" / "labels.csv").write_text("record,label\na,AF\nb,N\n")
    for end in ("hea", "dat"):
        for name in "ab":
            (root / "clinic" / f"{name}.{end}").write_bytes((root / "hospital" / f"{name}.{end}").read_bytes())
    report = json.loads(run("check", "hospital+clinic", "--json").stdout)
    assert (report["database"], report["records"]) == ("hospital+clinic", 5)
    assert {(finding["record"], finding["text"]) for finding in report["findings"]} == {
        ("clinic/a", "its signal is that of hospital/a"),
        ("clinic/b", "its signal is that of hospital/b"),
    }


def test_check_shows_the_first_findings_of_many(root):
    names = "".join(f"missing{number},N\n" for number in range(80))
    (root / "hospital" / "labels.csv").write_text("record,label\n" + names)
    result = run("check", "hospital")
    assert result.stdout.count("error") == 50
    assert "and 33 findings more" in result.stderr
    assert "80 of 80 recordings cannot be read" in str(result.exception)


def test_misspelt_names(root):
    assert "did you mean hospital" in str(run("check", "hospitl").exception)
    assert "did you mean mitdb" in str(run("download", "mitbd").exception)
    assert "no database on PhysioNet 'synthetic'" in str(run("download", "synthetic").exception)


def test_download_without_network_ends_in_one_line(root, monkeypatch):
    from ecg_edge.records import download

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    result = run("download", "mitdb", "--to", "here", "--url", "http://127.0.0.1:9")
    assert isinstance(result.exception, InputError)
    assert "resumes the download" in str(result.exception)
    assert "here/mitdb" in result.stderr
