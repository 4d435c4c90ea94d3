"""Output of the command line on a terminal and in a pipe."""

import io
import json

import pytest

from ecg_edge import console
from ecg_edge.reporter import LineReporter, Reporter
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
