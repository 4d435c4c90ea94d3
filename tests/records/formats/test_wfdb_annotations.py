"""Annotation files give the beats and rhythms that they hold, and damaged ones are refused by name."""

import hashlib

import numpy as np
import pytest
from wfdb_files import Signal, write_record

from ecg_edge.records.check import check
from ecg_edge.records.databases.labelled_folder import LabelledFolder
from ecg_edge.records.formats.wfdb_annotations import parse_annotations, read_annotations
from ecg_edge.records.formats.wfdb_format import import_wfdb
from ecg_edge.records.record_error import RecordError

N, V, NOTE, RHYTHM = 1, 5, 22, 28
END = b"\0\0"


def mark(code, interval=0):
    return (code << 10 | interval).to_bytes(2, "little")


def skip(interval, value=0):
    high, low = divmod(interval % 2**32, 2**16)
    return mark(59, value) + high.to_bytes(2, "little") + low.to_bytes(2, "little")


def text(content):
    return mark(63, len(content)) + content + bytes(len(content) % 2)


def read(folder, content, samples=1000, **options):
    (folder / "r.atr").write_bytes(content)
    return read_annotations(folder / "r", samples, **options)


def test_beats_and_rhythms(tmp_path):
    content = mark(RHYTHM, 5) + text(b"(AFIB\0") + mark(N, 10) + mark(61, 1) + skip(100_000) + mark(V, 7)
    content += mark(RHYTHM) + text(b"(N") + mark(14, 3) + mark(62, 1) + END
    beats, rhythms = read(tmp_path, content, 200_000)
    assert (beats.samples.tolist(), beats.symbols.tolist()) == ([15, 100_022], ["N", "V"])
    assert [(own.start, own.stop, own.rhythm) for own in rhythms] == [(5, 100_022, "AFIB"), (100_022, 200_000, "N")]


def test_any_extension(tmp_path):
    (tmp_path / "r.qrs").write_bytes(mark(N, 10) + END)
    assert read_annotations(tmp_path / "r", 100, suffix="qrs")[0].samples.tolist() == [10]
    with pytest.raises(RecordError, match=r"r\.ecg is missing"):
        read_annotations(tmp_path / "r", 100, suffix="ecg")


@pytest.mark.parametrize("crop", [True, False])
def test_times_are_samples_of_the_leads_where_frames_hold_several(tmp_path, crop):
    """Annotation times count frames, or ticks that the file states; leads have several samples per frame."""
    write_record(tmp_path, "r", [(16, [Signal("I", np.zeros(400, int), per_frame=4)])])
    assert read(tmp_path, mark(N, 10) + mark(N, 89) + END, 400, crop=crop)[0].samples.tolist() == [40, 396]
    stated = mark(NOTE) + text(b"## time resolution: 2000") + mark(N, 10) + mark(N, 780) + END
    assert read(tmp_path, stated, 400, crop=crop)[0].samples.tolist() == [5, 395]
    assert read(tmp_path, stated, 400, fs=1000.0)[0].samples.tolist() == [5, 395]


def test_codes_that_the_file_defines_are_no_beats(tmp_path):
    notes = b"## annotation type definitions", b"42 W Sleep stage W", b"## end of definitions"
    content = b"".join(mark(NOTE) + text(note) for note in notes) + mark(42, 5) + mark(N, 5) + END
    assert read(tmp_path, content)[0].samples.tolist() == [10]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "lacks the end mark"),
        (mark(N, 10), "lacks the end mark"),
        (b"\x01" + END, "even number of bytes"),
        (mark(N, 10) + END + mark(N, 1) + END, "goes on after the end mark at byte 2"),
        (mark(62, 1) + mark(N, 10) + END, "begins with a property of no annotation"),
        (mark(42, 10) + END, "unknown codes (42)"),
        (mark(15, 10) + mark(55, 1) + END, "unknown codes (15, 55)"),
        (mark(N, 1000) + END, "beyond the recording's 1000 samples"),
        (skip(2**31 - 1) + mark(N) + END, "beyond the recording's 1000 samples"),
        (b"".join(skip(2**31 - 1) for _ in range(520)) + mark(N) + END, "corrupt"),
        (skip(-5) + mark(N) + END, "out of order"),
        (mark(N, 500) + skip(-100) + mark(N) + END, "out of order"),
        (skip(5) + END, "a skip at byte 0 precedes no annotation"),
        (mark(N, 1) + skip(5) + mark(62, 1) + mark(N) + END, "a skip at byte 2 precedes no annotation"),
        (skip(5, value=3) + mark(N) + END, "a skip at byte 0 precedes no annotation"),
        (mark(59) + END, "precedes no annotation"),
        (mark(RHYTHM, 1) + mark(63, 200) + b"(N" + END, "a text reaches beyond its end"),
        (mark(RHYTHM, 1) + text(b"(N\x1b[31m") + END, "is no rhythm"),
        (mark(RHYTHM, 1) + text(b"AFIB") + END, "'AFIB' is no rhythm"),
        (mark(NOTE) + text(b"## time resolution: 0") + END, "a time resolution of 0 Hz"),
        (mark(NOTE) + text(b"## time resolution: 1e99") + END, "a time resolution of 1e99 Hz"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path, content, why):
    with pytest.raises(RecordError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    assert "r.atr" in message and why in message and message.isprintable()


def test_every_cut_of_a_file_is_refused(tmp_path):
    content = b"".join(mark(N, 100) for _ in range(9)) + mark(RHYTHM) + text(b"(AFIB") + END
    for size in range(len(content)):
        with pytest.raises(RecordError):
            read(tmp_path, content[:size])


def test_published_sums_tell_a_damaged_annotation_file(tmp_path):
    rng = np.random.default_rng(0)
    lines = []
    for name in ("r0", "r1"):
        write_record(tmp_path, name, [(16, [Signal("I", rng.integers(-500, 500, 1000))])])
        (tmp_path / f"{name}.atr").write_bytes(mark(N, 100) + mark(N, 200) + END)
        for file in sorted(tmp_path.glob(f"{name}*")):
            lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.name}\n")
    (tmp_path / "SHA256SUMS.txt").write_text("".join(lines))
    (tmp_path / "labels.csv").write_text("record,label\nr0,N\nr1,N\n")
    assert check(LabelledFolder(tmp_path), tmp_path).findings == ()
    (tmp_path / "r1.atr").write_bytes(mark(N, 100) + mark(N, 201) + END)
    (finding,) = check(LabelledFolder(tmp_path), tmp_path).findings
    assert (finding.record, finding.text) == ("r1", "r1.atr is not the published file: it differs from SHA256SUMS.txt")


@pytest.mark.parametrize("database", ["mitdb", "svdb", "cudb", "nstdb", "aftdb", "cpsc2021"])
def test_real_files_hold_what_the_wfdb_package_finds(real_data, database):
    for file in sorted(real_data(database).rglob("*.atr"))[:3]:
        own, other = parse_annotations(file, file.read_bytes()), import_wfdb().rdann(str(file.with_suffix("")), "atr")
        kept = [
            i for i, symbol in enumerate(own.symbols) if symbol != " " and not own.texts.get(i, "").startswith("##")
        ]
        np.testing.assert_array_equal(own.ticks[kept], other.sample)
        assert own.symbols[kept].tolist() == other.symbol
        assert [own.texts.get(i, "") for i in kept] == [note.strip("\0 ") for note in other.aux_note]
