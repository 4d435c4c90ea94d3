"""ecg-edge report: a page from a run's folder, with one line about where it is."""

import subprocess
import sys

import pytest
from click.testing import CliRunner
from report_folder import write_run

from ecg_edge.cli.report import command
from firmware_bench.runtime.errors import InputError


def test_the_page_is_written_into_the_run_or_where_out_says(tmp_path):
    run = write_run(tmp_path / "run")
    shown = CliRunner().invoke(command, [str(run)], catch_exceptions=False)
    assert shown.stdout == "" and shown.stderr == f"written to {run / 'report.html'}\n"
    both = tmp_path / "both.html"
    other = write_run(tmp_path / "other")
    CliRunner().invoke(command, [str(run), str(other), "--out", str(both)], catch_exceptions=False)
    assert "Comparison of 2 runs" in both.read_text()


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match="is not the folder of a run"):
        CliRunner().invoke(command, [str(tmp_path)], catch_exceptions=False)


def test_neither_keras_nor_matplotlib_is_loaded(tmp_path):
    code = (
        "import sys, ecg_edge\n"
        f"ecg_edge.report({str(write_run(tmp_path / 'run'))!r})\n"
        "print(*{'keras', 'tensorflow', 'jax', 'matplotlib'} & set(sys.modules))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""
