"""Output of the command line on a terminal and in a pipe."""

import io
import json

import pytest

from ecg_edge import console
from ecg_edge.reporter import LineReporter, Reporter


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


@pytest.mark.parametrize(("text", "names"), [(None, None), ("", None), ("I", ["I"]), ("I, aVR,V1", ["I", "aVR", "V1"])])
def test_names_of_leads_are_split_at_commas(text, names):
    assert console.split_names(text) == names
