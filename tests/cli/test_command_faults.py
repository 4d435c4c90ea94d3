"""Whole commands, killed at random, on full and on read-only disks: all or nothing, and the next one does the same."""

import errno
import os
import random
import shutil

import pytest
from click.testing import CliRunner
from faults import kill_at_random, leftovers, small_disk, try_every_step

from ecg_edge.api.run_evaluation import evaluate
from ecg_edge.cli.export import command as export
from firmware_bench.runtime.files import describe_os_error, read_json

ENVIRONMENT = {"PYTHONPATH": os.environ.get("PYTHONPATH", os.getcwd())}


def copy_of(run, folder):
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("evaluation-*", "export"))
    return folder


def invoke(*words):
    return CliRunner().invoke(export, list(map(str, words)))


@pytest.mark.slow
def test_an_evaluation_whose_disk_fails_keeps_the_earlier_result(run, tmp_path, monkeypatch):
    own = copy_of(run, tmp_path / "run")
    whole = evaluate(own).values
    before, failures = (own / "evaluation-keras.json").read_bytes(), 0
    for failures, error in try_every_step(own, lambda number: evaluate(own), monkeypatch):  # noqa: B007
        assert isinstance(error, OSError) and describe_os_error(error).startswith(str(own))
        assert (own / "evaluation-keras.json").read_bytes() == before and not leftovers(own)
    assert failures >= 4
    assert evaluate(own).values == whole


@pytest.mark.slow
def test_a_killed_evaluation_leaves_nothing_and_the_next_one_has_the_same_result(run, cache, tmp_path):
    own, temporary = copy_of(run, tmp_path / "run"), tmp_path / "temporary"
    temporary.mkdir()
    before = sorted(own.rglob("*"))
    moments = [random.uniform(1, 5) for _ in range(2)]
    kill_at_random(["evaluate", own], {**ENVIRONMENT, "ECG_EDGE_CACHE": str(cache)}, moments, temporary)
    assert set(own.rglob("*")) - set(before) <= {own / "evaluation-keras.json"}, moments
    values = evaluate(own).values
    assert read_json(own / "evaluation-keras.json") == values == {**evaluate(run).values, "run": str(own)}
    assert not leftovers(own) and list(temporary.iterdir()) == []


@pytest.fixture(scope="module")
def exported(run, cache, tmp_path_factory):
    """An export of the run that passes or fails its checks: what it printed, and its file if it passed."""
    path = tmp_path_factory.mktemp("exported") / "model.tflite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECG_EDGE_CACHE", str(cache))
        shown = invoke(run, "--out", path, "--keep-failing", path.with_name("failed.tflite"))
    return shown, next(path.parent.iterdir()).read_bytes()


@pytest.mark.slow
def test_an_export_of_a_run_on_a_read_only_disk_is_one_line_and_goes_elsewhere(run, exported, tmp_path):
    with small_disk(tmp_path / "disk", 32) as make_read_only:
        own = copy_of(run, tmp_path / "disk" / "run")
        make_read_only()
        refused = invoke(own, "--keep-failing", own / "failed.tflite")
        assert isinstance(refused.exception, OSError)
        line = describe_os_error(refused.exception)
        assert line.startswith(f"{own}") and "read-only" in line.lower() and "\n" not in line
        assert "calibrate" not in refused.stderr  # refused before minutes of work
        invoke(own, "--out", tmp_path / "a.tflite", "--keep-failing", tmp_path / "b.tflite")
        (file,) = tmp_path.glob("*.tflite")
        assert file.read_bytes() == exported[1] and not leftovers(tmp_path)


@pytest.mark.slow
def test_an_export_onto_a_full_disk_is_one_line_and_leaves_nothing(run, exported, tmp_path):
    with small_disk(tmp_path / "disk", 1):
        filler = tmp_path / "disk" / "filler"
        filler.write_bytes(bytes((1 << 20) - (8 << 10)))
        shown = invoke(run, "--out", tmp_path / "disk" / "a.tflite", "--keep-failing", tmp_path / "disk" / "b.tflite")
        assert isinstance(shown.exception, OSError) and shown.exception.errno == errno.ENOSPC
        line = describe_os_error(shown.exception)
        assert str(tmp_path / "disk") in line and "\n" not in line
        assert list((tmp_path / "disk").iterdir()) == [filler] and len(exported[1]) > 8 << 10


@pytest.mark.slow
def test_a_killed_export_leaves_no_process_and_no_half_file_and_the_next_one_makes_the_same(
    run, exported, cache, tmp_path, monkeypatch
):
    temporary, out = tmp_path / "temporary", tmp_path / "out"
    temporary.mkdir()
    out.mkdir()
    words = ["export", run, "--out", out / "a.tflite", "--keep-failing", out / "b.tflite"]
    moments = [random.uniform(3, 20) for _ in range(2)]
    environment = {**ENVIRONMENT, "ECG_EDGE_CACHE": str(cache)}
    kill_at_random(words, environment, moments, temporary)
    assert all(file.read_bytes() == exported[1] for file in out.glob("[ab]*")), moments
    kill_at_random(words, environment, [300], temporary)  # to its end
    (file,) = out.iterdir()
    assert file.read_bytes() == exported[1] and list(temporary.iterdir()) == [], moments
