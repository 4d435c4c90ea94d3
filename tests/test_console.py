"""Output of the command line on a terminal and in a pipe."""

import io
import json
import math
import re

import pytest

from ecg_edge import console
from ecg_edge.reporter import LineReporter, Reporter
from ecg_edge.terminal_progress import draw_line
from firmware_bench.runtime.errors import InputError, make_printable


class Terminal(io.StringIO):
    def isatty(self):
        return True


def report_work(reporter):
    count = reporter.counter("epoch", 3)
    for _ in range(3):
        count()
    advance = reporter.advance("preparing recordings")
    advance(1, 2)
    reporter.message("2 recordings")


def test_in_a_pipe_messages_are_printed_and_no_bars(capsys):
    with console.reporting() as reporter:
        report_work(reporter)
    assert capsys.readouterr() == ("", "2 recordings\n")


def test_on_a_terminal_stages_are_bars_and_a_full_one_is_removed(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with console.reporting() as reporter:
        report_work(reporter)
        assert [task.description for task in reporter._bars.tasks] == ["preparing recordings"]
    assert "preparing recordings" in terminal.getvalue() and "2 recordings" in terminal.getvalue()


ROW = {"loss": 0.25, "validation_loss": 0.5, "validation_score": 0.75, "learning_rate": 1e-3, "seconds": 90.0}


def report_training(reporter, epochs=3):
    for epoch in range(1, epochs + 1):
        row = {**ROW, "epoch": epoch, "loss": 1 / epoch} | ({"validation_score": math.nan} if epoch == 1 else {})
        reporter.finish_epoch(row, 40, "a score with [bold] a long name")


def test_in_a_pipe_a_training_is_lines(capsys):
    with console.reporting() as reporter:
        report_training(reporter)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and lines[1] == (
        "epoch 2/40: loss 0.5000, validation loss 0.5000, a score with [bold] a long name 0.750, rate 0.001, 90 s"
    )


def test_on_a_terminal_a_training_is_one_table_within_80_columns(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    with console.reporting() as reporter:
        report_training(reporter, 60)
    table = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.getvalue()).splitlines()[-5:]
    assert table[0].strip() == "epoch 60/40, 2 min each, rate 0.001"
    assert table[1].split() == ["now", "best", "epoch"]
    assert table[2].split() == ["loss", "0.0167", "0.0167", "60", "█▃▂▂▂▂" + "▁" * 28]
    assert table[4].startswith("a score with [bo  0.7500  0.7500      2   ▁▁")
    assert max(len(line) for line in table) < 80


def test_a_line_chart_keeps_the_last_value_and_leaves_blanks_where_there_is_none(monkeypatch):
    assert draw_line([0.0, float("nan"), 7.0, float("inf")]) == "▁ █ "
    assert draw_line(range(100), 10)[-1] == "█" and len(draw_line(range(100), 10)) == 10
    assert draw_line([]) == "" and draw_line([5.0, 5.0]) == "▁▁"
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert draw_line([0, 1]) == "_#"


def test_in_silence_results_and_errors_alone_are_printed(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    console.silence()
    try:
        with console.reporting() as reporter:
            report_work(reporter)
            report_training(reporter)
        console.log("next: ecg-edge --help")
        console.table("Title", ["name"], [["value"]])
        with pytest.raises(InputError, match="1 of 2"):
            console.refuse_failures(["r1 cannot be read"], 2)
    finally:
        console.silence(False)
    assert terminal.getvalue() == "error: r1 cannot be read\n" and "value" in capsys.readouterr().out


def test_no_colour_leaves_the_table_without_colours(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    with console.reporting() as reporter:
        report_work(reporter)
        report_training(reporter)
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", terminal.getvalue())


def test_items_are_tracked_as_they_come():
    seen = []

    class Watching(Reporter):
        def progress(self, stage, done, total):
            seen.append((stage, done, total))

    assert list(Watching().track("predicting", iter("ab"), 2)) == ["a", "b"]
    assert seen == [("predicting", 1, 2), ("predicting", 2, 2)]


def test_reporters_of_the_library_print_lines_or_nothing(capsys):
    report_work(Reporter())
    assert capsys.readouterr() == ("", "")
    report_work(LineReporter())
    assert capsys.readouterr() == ("", "2 recordings\n")


def test_results_go_to_stdout(capsys):
    console.print_json({"label": "AF µ"})
    console.table("Title", ["name", "value"], [["a" * 90, 1]])
    console.log("next: ecg-edge --help")
    out, errors = capsys.readouterr()
    assert json.loads(out[: out.index("}") + 1]) == {"label": "AF µ"} and "a" * 90 in out
    assert errors == "next: ecg-edge --help\n"


def test_a_narrow_table_folds_sentences_and_keeps_names_and_numbers(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    sentence = "436,080 bytes of flash missing, 126,272 bytes of RAM missing"
    rows = [["Apollo4 Plus", "2 × Cortex-M0+", "183% of 1,998,848", "196% of 1,441,792", sentence]]
    console.table("Boards", ["board", "core", "flash", "largest_block", "verdict"], rows)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    words = " ".join(lines).split()
    assert {"Cortex-M0+", "1,998,848", "1,441,792", "436,080", "126,272", "largest_block"} <= set(words)


HOSTILE = "[bold]dir/[/b]\x1b[2J\x9b31m\u202eeno\udcff\tend"
SHOWN = r"[bold]dir/[/b]\x1b[2J\x9b31m\u202eeno\udcff end"


def test_markup_and_control_characters_in_names_are_printed_as_text(capsys):
    console.log(HOSTILE)
    LineReporter().message(HOSTILE)
    console.table(HOSTILE, [HOSTILE], [[HOSTILE]])
    out, errors = capsys.readouterr()
    assert errors == f"{SHOWN}\n" * 2
    assert out.count(SHOWN) == 3


def test_json_holds_names_as_they_are_and_prints_no_control_character(capsys):
    console.print_json({HOSTILE: HOSTILE})
    out = capsys.readouterr().out
    assert json.loads(out) == {HOSTILE: HOSTILE} and out.replace("\n", "").isprintable()


def test_names_in_progress_bars_are_no_markup(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with console.reporting() as reporter:
        reporter.progress(f"reading {HOSTILE}", 1, 3)
    assert "[bold]dir/[/b]" in terminal.getvalue() and "\x1b[2J" not in terminal.getvalue()


def test_a_message_of_an_error_is_one_printable_line():
    assert str(InputError(f"x.hea: no lead {HOSTILE}\nand more")) == f"x.hea: no lead {SHOWN} and more"
    assert make_printable("µ, °, 心電図") == "µ, °, 心電図"


@pytest.mark.parametrize(("text", "names"), [(None, None), ("", None), ("I", ["I"]), ("I, aVR,V1", ["I", "aVR", "V1"])])
def test_names_of_leads_are_split_at_commas(text, names):
    assert console.split_names(text) == names


def test_a_section_is_wrapped_at_the_width(monkeypatch, capsys):
    row = ["a database", "its licence", "https://example.org/" + "path/" * 4, "40 of 20"]
    monkeypatch.setenv("COLUMNS", "50")
    console.print_section("Title", ["name", "licence", "source", "train"], [row, ["a \x1b name", "b", "c", "d"]])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Title" and lines[-1] == "" and all(len(line) <= 50 for line in lines)
    assert " ".join(line.strip() for line in lines[1:-2]) == f"a database: its licence, source {row[2]}, train 40 of 20"
    assert "\x1b" not in lines[-2] and lines[-2].endswith("b, source c, train d")
    console.print_section("Title", [""], [["one limit"]])
    assert capsys.readouterr().out == "Title\n  one limit\n\n"
