"""What a device reports is checked against one typed schema before anything uses it."""

import json
import zipfile

import numpy as np
import pytest
from device_reports import places, replaced, sound_report

from ecg_edge.api.bench_reports import add_verdicts, compare_reports, list_failures
from ecg_edge.api.benchmarking import write_reports
from ecg_edge.reporter import Reporter
from firmware_bench.bench_table import format_report
from firmware_bench.rpi import latency_ratio
from firmware_bench.rpi.device_report import check_results, clean_text, read_outputs, read_report
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.paths import make_file_name

HOSTILE = (
    None, True, -1, 0, 1e308, -1e308, 10**400, 2**70, "", "x", "\x1b[31mred\x1b[0m", "a\nb", "../../x", [], {},
    [[]], [1e308] * 3, {"value": "x"}, "x" * 100_000, KeyError,
)  # fmt: skip


def stored(path, value):
    path.write_text(json.dumps(value))
    return path


def test_a_sound_report_is_read_as_it_is(tmp_path):
    assert read_report(stored(tmp_path / "report.json", sound_report())) == sound_report()


def test_whatever_is_hostile_in_a_report_is_used_or_refused_in_one_line(tmp_path, monkeypatch):
    """Every value by every hostile one: all that bench does with a report works, or the report is refused."""
    monkeypatch.setattr(latency_ratio, "RESAMPLES", 5)  # the ratio's interval is not what is tested
    tried = refused = 0
    small = sound_report(rounds=1, threads=(1,))
    sound = stored(tmp_path / "sound.json", small)
    for place in places(small):
        for wrong in HOSTILE:
            if not place and wrong is KeyError:
                continue
            tried += 1
            path = stored(tmp_path / "report.json", replaced(small, place, wrong))
            try:
                report = read_report(path)
                check_results(report, 1, (1,))
            except InputError as error:
                refused += 1
                assert str(error).isprintable() and len(str(error)) < 600, (place, wrong)
                continue
            try:
                text = format_report(report)
                add_verdicts(report, 100.0, 5.0)
                list_failures(report)
                compare_reports(sound, path)
            except InputError as error:
                assert "in common" in str(error)
            except Exception as error:
                raise AssertionError(f"{place} = {wrong!r}: {error!r}") from error
            assert all(line.isprintable() for line in text.splitlines()), (place, wrong)
            assert max(map(len, text.splitlines())) < 1500
    assert tried > 800 and refused > 500


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"format": 2}', b"[" * 100_000, b"\xff\xfe", b'{"format": NaN}', b"1" * 5000],
)
def test_what_is_no_report_is_one_line(tmp_path, content):
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(InputError, match="is not a report of ecg-edge bench"):
        read_report(tmp_path / "report.json")


def test_a_report_of_other_models_or_threads_is_refused(tmp_path):
    report = sound_report(threads=(1, 2, 4))
    with pytest.raises(InputError, match="other models or threads"):
        check_results(report, 1, (1,))
    with pytest.raises(InputError, match="other models or threads"):
        check_results(report, 2, (1, 2, 4))


@pytest.mark.parametrize(
    "host", ["../../x", "/etc/x", "..", "", "a/../../b", "x" * 500, "\x1b[31m", "C:\\x", "é\n/", "-rf"]
)
def test_a_report_is_written_into_the_run_whatever_the_device_calls_itself(tmp_path, host):
    file = tmp_path / "run" / "export" / "model.tflite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    (tmp_path / "run" / "config.json").write_text("{}")
    report = sound_report(threads=(1,))
    report["machine"]["host"] = host
    report["results"][0]["rounds"] = []
    write_reports([file], report, 1, None, Reporter())
    (kept,) = (tmp_path / "run").glob("bench-*.json")
    others = {path.name for path in tmp_path.rglob("*") if path.is_file() and path != kept}
    assert others == {"model.tflite", "config.json"}
    assert kept.name.isascii() and len(kept.name) < 100


@pytest.mark.parametrize("text, name", [("pi-4.local", "pi-4.local"), ("../../x", "x"), ("-rf", "rf"), ("", "device"),
                                        ("...", "device"), ("ä b", "b"), ("a" * 100, "a" * 64)])  # fmt: skip
def test_names_of_files_of_foreign_texts(text, name):
    assert make_file_name(text, "device") == name


def test_texts_are_printable_and_short():
    assert clean_text("\x1b[31mred") == "\\x1b[31mred"
    assert len(clean_text("x" * 10**6)) == 200


FORM = ((5, 3), np.dtype(np.int8))


def test_outputs_are_read(tmp_path):
    values = np.arange(15, dtype=np.int8).reshape(5, 3)
    np.savez(tmp_path / "outputs.npz", output_0=values)
    (found,) = read_outputs(tmp_path / "outputs.npz", [FORM])
    np.testing.assert_array_equal(found, values)


def bomb(path):
    """10 GB of zeros in 10 MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("output_0.npy", "w") as file:
        for _ in range(200):
            file.write(bytes(1 << 20))


def claims(path):
    """A header that claims 10^15 bytes."""
    header = b"{'descr': '|i1', 'fortran_order': False, 'shape': (1000000000000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("output_0.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(15))


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b"PK\x03\x04"),
        lambda path: path.write_bytes(b""),
        lambda path: path.mkdir(),
        lambda path: np.savez(path, output_0=np.zeros((5, 2), np.int8)),
        lambda path: np.savez(path, output_0=np.zeros((5, 3), np.int16)),
        lambda path: np.savez(path, output_0=np.zeros((5, 3), np.int8), output_1=np.zeros(1)),
        lambda path: np.savez(path, output_0=np.array([[{}]], object)),
        bomb,
        claims,
    ],
)
def test_other_outputs_are_refused_in_one_line(tmp_path, make):
    make(tmp_path / "outputs.npz")
    with pytest.raises(InputError, match="not those that were asked for"):
        read_outputs(tmp_path / "outputs.npz", [FORM])
