"""ecg-edge bench."""

import json

import pytest
from click.testing import CliRunner
from small_models import convolutional

from ecg_edge.cli.bench import beside_published, command
from ecg_edge.errors import InputError


def bench(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_report_is_kept_with_the_run(tmp_path):
    path = tmp_path / "run" / "export" / "small-int8.tflite"
    path.parent.mkdir(parents=True)
    path.write_bytes(convolutional())
    (tmp_path / "run" / "config.json").write_text("{}")
    ran = bench(path, "--json", "--out", tmp_path / "copy.json")
    assert ran.exit_code == 0
    report = json.loads(ran.stdout)
    (kept,) = (tmp_path / "run").glob("bench-*.json")
    assert kept.name == f"bench-small-int8-{report['machine']['host']}.json"
    assert json.loads(kept.read_text()) == json.loads((tmp_path / "copy.json").read_text()) == report
    assert ran.stderr.splitlines()[-1] == f"next: ecg-edge mcu {path}"


def test_the_table_judges_the_size_but_not_the_latency_of_this_machine(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(convolutional())
    ran = bench(path)
    assert "published 3.66 MB: met (measured)" in ran.stdout
    assert "published 174 ms: no verdict (published on a Raspberry Pi; this machine is not one)" in ran.stdout
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "board, milliseconds, verdict",
    [
        ("Raspberry Pi 4 Model B Rev 1.4", 80.0, "met"),
        ("Raspberry Pi 4 Model B Rev 1.4", 180.0, "missed"),
        ("Raspberry Pi 4 Model B Rev 1.4", None, None),
        ("Radxa ROCK 4", 80.0, None),
        (None, 80.0, None),
    ],
)
def test_latency_is_judged_on_a_raspberry_pi_only(board, milliseconds, verdict):
    report = {
        "figures": {"model size": {"value": 4_000_000}, "latency, median": {"value": milliseconds}},
        "machine": {"board": board},
    }
    published = beside_published(report)
    assert published["latency, median"]["verdict"] == verdict
    assert published["model size"]["verdict"] == "missed"


def test_bad_files_are_the_users_to_mend(tmp_path):
    for content in (None, b"", convolutional()[:2000]):
        path = tmp_path / "bad.tflite"
        if content is not None:
            path.write_bytes(content)
        error = bench(path).exception
        assert isinstance(error, InputError) and "bad.tflite" in str(error) and "\n" not in str(error)
