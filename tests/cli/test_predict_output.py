"""What `ecg-edge predict` prints: in any encoding and width, on a terminal, in a pipe and where nobody reads."""

import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import sys

import numpy as np
import pytest
from small_models import altered, convolutional

from ecg_edge import console, prediction_table
from ecg_edge.api.prediction_result import FailedPrediction, Prediction
from ecg_edge.cli import main as command_line
from ecg_edge.demo import write_wfdb
from ecg_edge.records.quality import SignalQuality
from ecg_edge.records.record import Record
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.text_length import shorten_left

NINE = ["SNR", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"]
FOLDER = "recordings of the clinic on the Königstraße/[bold]2026[/bold]/[/b]"
CODES = re.compile(r"\x1b\[")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with hostile label names, and two sound recordings and one of zeros in a folder with a long odd name."""
    folder = tmp_path_factory.mktemp("output")
    labels = ["[red]N[/red]", "A µ", "O\x1b[2J"]
    (folder / "model.tflite").write_bytes(altered(convolutional(), labels=labels))
    place = folder / FOLDER
    place.mkdir(parents=True)
    signal = synthesise("SNR", seed=1).signal[:, :2]
    for name in ("r1", "r2"):
        write_wfdb(Record(name, "p", signal, 500.0, ("I", "II")), place)
    flat = write_wfdb(Record("flat", "p", signal, 500.0, ("I", "II")), place)
    flat.with_suffix(".dat").write_bytes(bytes(2 * signal.size))
    header = re.sub(r" -?\d+ -?\d+ 0 (I+)\n", r" 0 0 0 \1\n", flat.with_suffix(".hea").read_text())
    flat.with_suffix(".hea").write_text(header)
    return folder


def list_words(folder, *options, names=("r1", "r2")):
    return [str(folder / "model.tflite"), *(str(folder / FOLDER / name) for name in names), *options]


def call(monkeypatch, words, encoding="utf-8", errors="strict", **environment):
    """Run the command line in this process → exit status, what it printed, and to stderr."""
    out = io.TextIOWrapper(io.BytesIO(), encoding, errors, write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), encoding, "backslashreplace", write_through=True)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["ecg-edge", "predict", *words])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "unraisablehook", sys.unraisablehook)
        try:
            command_line.main()
            status = 0
        except SystemExit as end:
            status = end.code
    return status, *(stream.buffer.getvalue().decode(encoding) for stream in (out, err))


# ------------------------------------------------------------------------------ encoding × width × form: 60 of them


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii", "cp1252", "utf-16"])
@pytest.mark.parametrize("columns", ["", "20", "40", "80", "160", "nonsense"])
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_any_encoding_and_width(folder, monkeypatch, encoding, columns, option):
    status, out, err = call(monkeypatch, list_words(folder, *option), encoding, COLUMNS=columns)
    assert status == 0 and "Traceback" not in err and "next: ecg-edge bench" in err
    assert not CODES.search(out) and all(line.isprintable() for line in out.split("\n"))
    if option:
        rows = json.loads(out)["records"]
        assert [row["record"] for row in rows] == [str(folder / FOLDER / name) for name in ("r1", "r2")]
        assert "O\x1b[2J" in json.loads(out)["labels"]
    elif columns in ("", "80", "160", "nonsense"):
        assert "/r1" in out and "/r2" in out and "[red]N[/red]" in out
        assert not columns.isdigit() or max(map(len, out.splitlines())) <= int(columns)
        assert columns != "" or f"{FOLDER if encoding == 'utf-8' else '[bold]2026[/bold]'}" in out


def test_quiet_leaves_results_and_errors_alone(folder, monkeypatch):
    try:
        status, out, err = call(monkeypatch, list_words(folder, "--quiet"))
        assert (status, err) == (0, "") and "/r1" in out
        status, out, err = call(monkeypatch, list_words(folder, "--quiet", names=("r1", "flat")))
        assert status == 2 and "/r1" in out and [line.split(":")[0] for line in err.splitlines()] == ["error"] * 2
    finally:
        console.silence(False)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_csv_in_any_encoding(folder, monkeypatch, encoding):
    status, out, _ = call(monkeypatch, list_words(folder, "--csv"), encoding, COLUMNS="20")
    header, *rows = csv.reader(out.splitlines())
    assert status == 0 and len(rows) == 2 and all(len(row) == len(header) == 6 for row in rows)
    assert header[4] == r"O\x1b[2J" and header[3] in ("A µ", r"A \xb5")


@pytest.mark.parametrize("option", [[], ["--json"], ["--csv"]])
def test_what_is_refused_is_named_and_by_force_marked(folder, monkeypatch, option):
    words = list_words(folder, *option, names=("r1", "flat", "r2"))
    status, out, err = call(monkeypatch, words)
    assert status == 2 and "no lead carries a signal" in err and "flat" in err
    assert err.splitlines()[-1] == "error: 1 of 3 recordings could not be predicted"
    assert "r1" in out and "r2" in out
    if option == ["--json"]:
        (failed,) = json.loads(out)["errors"]
        assert failed["record"].endswith("flat") and "no lead carries a signal" in failed["error"]
    status, out, err = call(monkeypatch, [*words, "--force"])
    assert status == 0 and out.count("predicted by force" if option != ["--json"] else '"forced": true') == 1
    if option == []:
        assert re.search(r"/flat +\S+ \*", out) and "no lead carries a signal" in out.splitlines()[-1]


# --------------------------------------------------------------------------------------------------- nine classes


def predictions(record="/data/study/cpsc2018/training/A0001", count=1, quality=None):
    probabilities = {name: round(0.9 / 2**n, 6) for n, name in enumerate(NINE)}
    return [Prediction(record, "SNR", probabilities, (), 10.0, quality=quality)] * count


@pytest.mark.parametrize("width", range(30, 200, 7))
def test_nine_classes_fit_any_terminal(width):
    columns, ((record, label, *cells),), _ = prediction_table.make_table(predictions(), width)
    assert label == "SNR" and record.endswith("A0001") and (record.startswith("…/") or record[0] == "/")
    numbers = re.findall(r"\d\.\d{3}", " ".join(cells))
    assert (len(numbers) == 9) == (columns[2] == "SNR") and ("0.900" in numbers or width < 60)
    taken = sum(max(map(len, pair)) for pair in zip(columns, [record, label, *cells], strict=True))
    assert taken + 3 * len(columns) + 1 <= width or width < 40


def test_at_80_columns_nine_classes_are_readable():
    columns, ((record, _, highest, windows),), _ = prediction_table.make_table(predictions(), 80)
    assert columns == ["record", "label", "most probable", "windows"]
    assert highest == "SNR 0.900, AF 0.450, I-AVB 0.225" and record == "…/training/A0001" and windows == "0"


def test_a_pipe_has_no_width():
    columns, ((record, *_),), _ = prediction_table.make_table(predictions("/x" * 500), None)
    assert columns[2:11] == NINE and record == "/x" * 500


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("/a/b/c", 6, "/a/b/c"),
        ("/data/mitdb/100", 12, "…/mitdb/100"),
        ("/data/mitdb/100", 9, "…/100"),
        ("/data/mitdb/100001", 9, "…/100001"),
        ("a-long-name", 6, "…-name"),
        ("a-long-name", 1, "…e"),
    ],
)
def test_names_are_shortened_from_the_left(text, length, short):
    assert shorten_left(text, length) == short


def test_notes_are_limited_and_failed_recordings_are_no_rows():
    marked = SignalQuality("mV", (), 0.5, 0, None, warnings=("half of it is missing",))
    results = [*predictions(count=25, quality=marked), FailedPrediction("x", "x is cut"), *predictions()]
    _, rows, notes = prediction_table.make_table(results, 80)
    assert len(rows) == 26 and [row[1] for row in rows[-2:]] == ["SNR *", "SNR"]
    assert len(notes) == 21 and notes[0].endswith("A0001: half of it is missing") and "5 more" in notes[-1]
    assert prediction_table.make_table([FailedPrediction("x", "x is cut")], 80) == (
        ["record", "label", "windows"],
        [],
        [],
    )


# ------------------------------------------------------------------------------------- real pipes and terminals


def shell(command, folder, *options, **environment):
    """Run `command` in a shell, PREDICT in it being the command line → its completed process."""
    program = f'"{sys.executable}" -m ecg_edge predict '
    words = " ".join(f"'{word}'" for word in list_words(folder, *options))
    text = command.replace("PREDICT", program + words)
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, env={**os.environ, **environment})


@pytest.mark.slow
@pytest.mark.parametrize("option", [[], ["--json"], ["--csv"]])
@pytest.mark.parametrize(
    ("command", "statuses"),
    [
        ("PREDICT | true; exit ${PIPESTATUS[0]}", (0, 141)),
        ("PREDICT | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}", (0, 141)),
        ("PREDICT | cat; exit ${PIPESTATUS[0]}", (0,)),
        ("PREDICT >&-", (2,)),
        ("PREDICT 2>&-", (0,)),
        ("PREDICT > /dev/full", (2,)),
    ],
)
def test_whoever_reads_or_does_not(folder, command, statuses, option):
    ran = shell(command, folder, *option)
    assert ran.returncode in statuses, ran.stderr
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == (2 in statuses)
    if "2>&-" in command:
        assert "next:" not in ran.stdout


@pytest.mark.slow
def test_a_pipe_that_closed_before_the_first_word_ends_as_other_tools_do(folder):
    assert shell("PREDICT | true; exit ${PIPESTATUS[0]}", folder).returncode == 141
    assert shell("(sleep 4; PREDICT) | true; exit ${PIPESTATUS[0]}", folder).returncode == 141


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
        {"FORCE_COLOR": "1"},
        {"TERM": "dumb"},
    ],
)
def test_locales_in_a_pipe(folder, environment):
    ran = subprocess.run(
        [sys.executable, "-m", "ecg_edge", "predict", *list_words(folder)],
        capture_output=True,
        env={**os.environ, **environment},
    )
    assert ran.returncode == 0 and b"Traceback" not in ran.stderr, ran.stderr
    assert b"\x1b" not in ran.stdout and b"/r1" in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("environment", "codes"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_on_a_terminal_of_80_columns(folder, environment, codes):
    ours, theirs = pty.openpty()
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
    }
    env = {**inherited, "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", "import fcntl, struct, sys, termios, os\n"
         "fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))\n"
         "from ecg_edge.cli.main import main\nmain()", "predict", *list_words(folder)],
        stdout=theirs, stderr=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the terminal's other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    text = shown.decode()
    assert process.wait() == 0 and (b"\x1b[" in shown) == codes
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(map(len, lines)) <= 80 and "/r1" in text and np.sum(["/r2" in line for line in lines]) == 1
