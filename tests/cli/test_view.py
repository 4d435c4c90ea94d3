"""ecg-edge view: what is wrong is said before a page is served."""

import socket

import pytest
from click.testing import CliRunner

from ecg_edge.cli.view import command
from ecg_edge.extras import is_installed
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.runtime.errors import InputError

MODEL = "af-single-lead-small"
pytestmark = pytest.mark.skipif(not is_installed("dash"), reason="dash is not installed: pip install -e .[view]")


def view(*words):
    return CliRunner().invoke(command, [*map(str, words), "--no-browser"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("model", "place", "said"),
    [
        ("af-single-lead-smal", "r", "did you mean af-single-lead-small"),
        (MODEL, "nothing", "nothing.hea is missing"),
        (MODEL, "nothing.csv", "nothing.csv is missing"),
        (MODEL, "empty", "empty has no recordings: name a recording, or a folder of recordings"),
    ],
)
def test_what_is_not_there_is_one_line(model, place, said, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=said) as error:
        view(model, tmp_path / place)
    assert "\n" not in str(error.value)


def test_a_port_that_is_taken_is_one_line(tmp_path):
    from ecg_edge.demo import write_wfdb

    record = write_wfdb(synthesise("SNR", 1, 10.0, leads=("I",)), tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"the page cannot have port {port}: "):
            view(MODEL, record, "--port", port)
