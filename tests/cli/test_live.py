"""ecg-edge live: what it prints to a terminal, a pipe and a program, and what is left when it is ended."""

import csv
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import numpy as np
import pytest
from click.testing import CliRunner
from small_models import altered, causal, convolutional
from wfdb_files import Signal, write_record

from ecg_edge.cli.live import command
from ecg_edge.live_display import REDRAW_S, LiveDisplay

PROGRAM = [sys.executable, "-m", "ecg_edge", "live"]
STREAM = ["-", "--format", "int16", "--counts-per-unit", "200", "--sensor-rate", "250"]
LABELS = ["N\x1b[2J", "[red]A[/red]", "µ"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model with hostile label names, and a record of 20 s whose first lead is flat for a while."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "model.tflite").write_bytes(altered(causal(convolutional()), labels=LABELS))
    (folder / "offline.tflite").write_bytes(convolutional())
    write_record(folder, "r", [(16, [Signal("I", make_counts()[:, 0]), Signal("II", make_counts()[:, 1])])])
    return folder


def make_counts():
    counts = np.random.default_rng(0).normal(0, 300, (5000, 2)).round().astype(np.int64)
    counts[2000:4000, 0] = 5
    return counts


def call(folder, *words, status=0):
    shown = CliRunner().invoke(
        command, [str(folder / "model.tflite"), "--hop", "0", *map(str, words)], catch_exceptions=status == 0
    )
    assert shown.exit_code == status, shown.output
    return shown


def start(folder, *words, **streams):
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    # Whoever runs the tests in the background has its children ignore Ctrl-C.
    allow = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    command = [*PROGRAM, str(folder / "model.tflite"), "--hop", "0", *map(str, words)]
    return subprocess.Popen(command, bufsize=0, **allow, **streams)


def read_line(stream, seconds=60):
    assert select.select([stream], [], [], seconds)[0]
    return stream.readline()


def test_json_is_a_line_for_each_answer_and_events_are_the_same_in_short(folder, tmp_path):
    events = tmp_path / "e.csv"
    shown = call(folder, "--replay", folder / "r", "--speed", "max", "--json", "--events", events)
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == 7 and shown.stderr == ""
    assert [row["sample"] for row in rows] == sorted(row["sample"] for row in rows)
    assert all(list(row["probabilities"]) == LABELS and set(row["labels"]) <= set(LABELS) for row in rows)
    assert any("flat" in row["quality"] for row in rows) and any(row["quality"] == [] for row in rows)
    with events.open(newline="") as file:
        episodes = list(csv.DictReader(file))
    changes = [
        row for row, before in zip(rows, [None, *rows], strict=False) if not before or row["labels"] != before["labels"]
    ]
    assert len(episodes) == len(changes) and float(episodes[-1]["end_s"]) == rows[-1]["seconds"]
    assert any("flat" in row["quality"] for row in episodes)


def test_a_pipe_gets_a_line_for_each_change(folder):
    shown = call(folder, "--replay", folder / "r", "--speed", "max")
    rows = [
        json.loads(line)
        for line in call(folder, "--replay", folder / "r", "--speed", "max", "--json").stdout.splitlines()
    ]
    kinds = [(row["labels"], row["quality"]) for row in rows]
    changes = sum(kind != before for kind, before in zip(kinds, [None, *kinds], strict=False))
    lines = shown.stdout.splitlines()
    assert len(lines) == changes < len(rows) and all(line.isprintable() for line in lines)
    assert lines[0].startswith("0:00:02  ") and lines[0].endswith("  signal: good") and "signal: flat" in shown.stdout


def test_standard_input_in_odd_pieces_says_what_a_replay_says(folder):
    counts = make_counts()
    content = counts.astype("<i2").tobytes()
    process = start(folder, *STREAM, "--json")
    for first in range(0, len(content), 1537):
        process.stdin.write(content[first : first + 1537])
        process.stdin.flush()
    out, err = process.communicate(timeout=60)
    replayed = call(folder, "--replay", folder / "r", "--speed", "max", "--json").stdout
    assert process.returncode == 0 and out.decode() == replayed and err == b""


def test_broken_lines_are_one_line_and_the_end_of_input_is_no_error(folder):
    lines = [",".join(map(str, row)) for row in make_counts().tolist()]
    lines[300] = "Traceback (most recent call last):"
    lines[310:400] = ["\x1b[31m1;2"] * 90
    words = ["-", "--counts-per-unit", "200", "--sensor-rate", "250", "--json"]
    process = start(folder, *words)
    out, err = process.communicate("\n".join(lines).encode(), timeout=60)
    rows = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0 and len(rows) == 7 and "missing" in rows[0]["quality"]
    first, last = err.decode().splitlines()
    assert first.startswith("line 301 is no sample and counts as missing: 'Traceback") and first.isprintable()
    assert last == "91 of 5,000 lines were no samples and count as missing"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_whole_lines(folder, tmp_path, number):
    events = tmp_path / "e.csv"
    process = start(folder, *STREAM, "--json", "--events", events)
    process.stdin.write(make_counts().astype("<i2").tobytes())
    process.stdin.flush()
    answers = [json.loads(read_line(process.stdout)) for _ in range(7)]
    process.send_signal(number)
    status = process.wait(30)
    with process.stdin, process.stdout, process.stderr:
        err = process.stderr.read().decode().strip()
    with events.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert events.read_bytes().endswith(b"\n") and all(None not in row.values() for row in rows)
    if number == signal.SIGINT:
        assert (status, err) == (130, "error: interrupted") and float(rows[-1]["end_s"]) == answers[-1]["seconds"]


def test_a_terminal_has_one_line_that_changes(folder):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    words = ["--replay", folder / "r", "--speed", "20"]
    process = start(folder, *words, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    process.stdin.close()
    assert process.wait() == 0
    text = shown.decode()
    assert text.endswith("\r\n") and text.count("\n") == 1 and "\x1b" not in text
    drawn = [part.rstrip() for part in text.strip().split("\r")]
    assert max(map(len, drawn)) <= 39 and len(drawn) > 5
    assert any("no answer yet" in part for part in drawn) and drawn[-1].startswith("0:00:20  ")


def test_what_was_too_quick_to_be_drawn_is_drawn_at_the_end_and_messages_stand_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with LiveDisplay() as display:
        for second in range(5):
            display.progress("signal", second, 0)
        display.message("line 3 is no sample")
        time.sleep(REDRAW_S)
        display.progress("signal", 5, 0)
        display.progress("signal", 6, 0)
    shown = capsys.readouterr()
    assert shown.err == "line 3 is no sample\n" and shown.out.endswith("\r0:00:06  no answer yet\n")
    assert "0:00:03" not in shown.out and "\r" + " " * len("0:00:00  no answer yet") + "\r" in shown.out


def test_a_reader_that_leaves_ends_it_with_141(folder):
    process = start(folder, "--replay", folder / "r", "--speed", "20", "--json")
    assert read_line(process.stdout)
    process.stdout.close()
    process.stdin.close()
    assert process.wait(30) == 141 and process.stderr.read() == b""
    process.stderr.close()


def test_a_refusal_leaves_no_file(folder, tmp_path):
    ran = subprocess.run(
        [*PROGRAM, folder / "offline.tflite", "--replay", folder / "r", "--events", tmp_path / "e.csv"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2 and ran.stdout == "" and ran.stderr.count("\n") == 1
    assert "train with --set signal.mode=causal" in ran.stderr and not (tmp_path / "e.csv").exists()
