"""ecg-edge predict --plot."""

import dataclasses
import json

import pytest
from click.testing import CliRunner
from matplotlib.image import imread
from small_models import altered, convolutional, reconstructing

from ecg_edge.cli.predict import command
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.runtime.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """A model, and recordings in two folders, of which two have the same name."""
    (tmp_path / "model.tflite").write_bytes(convolutional())
    for name in ("a/AF", "b/AF", "b/SNR"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        record = dataclasses.replace(synthesise(name[2:], 1), name=name[2:], beats=None, rhythms=())
        write_wfdb(record, (tmp_path / name).parent)
    return tmp_path


def plot(folder, place, *records, options=()):
    words = [str(folder / "model.tflite"), *(str(folder / name) for name in records), "--plot", str(folder / place)]
    return CliRunner().invoke(command, [*words, *options])


def test_one_record_is_one_picture_of_its_decision(folder):
    ran = plot(folder, "ecg.svg", "a/AF", options=["--json"])
    drawn = (folder / "ecg.svg").read_text()
    label = json.loads(ran.stdout)["records"][0]["label"]
    assert f"written to {folder / 'ecg.svg'}" in ran.stderr and ran.exit_code == 0
    assert f"{folder}/a/AF<" in drawn and f">{label}   (" in drawn and "R peaks" in drawn and "aVR" in drawn


def test_several_records_are_pictures_in_a_folder(folder):
    ran = plot(folder, "pictures", "a/AF", "b/AF.hea", "b/SNR", "b/absent", options=["--json"])
    assert isinstance(ran.exception, InputError) and "1 of 4" in str(ran.exception)
    found = sorted((folder / "pictures").iterdir())
    assert [file.name for file in found] == ["AF-2.png", "AF.png", "SNR.png"]
    assert all(imread(file).shape[1] > 1500 for file in found)


def test_an_anomaly_detector_shades_where(folder):
    about = {"task": {"name": "anomaly", "score": "paper"}, "decision": {"threshold": 0.0}}
    (folder / "model.tflite").write_bytes(altered(reconstructing(), **about, labels=["normal", "abnormal"]))
    plot(folder, "ecg.svg", "a/AF")
    drawn = (folder / "ecg.svg").read_text()
    assert "error of the reconstruction" in drawn and drawn.count("<image") == 3  # I in one panel, II in two


def test_an_explanation_is_laid_over(folder):
    ran = plot(folder, "ecg.svg", "a/AF", options=["--explain", "occlusion", "--json"])
    drawn, label = (folder / "ecg.svg").read_text(), json.loads(ran.stdout)["records"][0]["label"]
    assert f"occlusion for {label}<" in drawn and "negative<" in drawn and drawn.count("<image") == 3


def test_a_long_recording_is_not_explained(folder):
    write_wfdb(dataclasses.replace(synthesise("AF", 1, seconds=125, fs=250), name="long"), folder)
    ran = plot(folder, "ecg.svg", "long", options=["--explain", "occlusion"])
    assert (
        "long is not explained: it has more than 120 s" in ran.stderr
        and "<image" not in (folder / "ecg.svg").read_text()
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--explain", "occlusion"], "say where to write it with --plot FILE"),
        (["--explain", "why", "--plot", "ecg.png"], "no method of explanation 'why'"),
        (["--explain", "gradients", "--plot", "ecg.png"], "has no gradients"),
    ],
)
def test_what_cannot_be_explained_is_refused(folder, monkeypatch, words, message):
    monkeypatch.chdir(folder)
    ran = CliRunner().invoke(command, ["model.tflite", "a/AF", *words])
    assert isinstance(ran.exception, InputError) and message in str(ran.exception)
    assert not (folder / "ecg.png").exists()


@pytest.mark.parametrize(
    ("place", "records", "message"),
    [
        ("ecg.jpg", ["a/AF"], r"is a \.png, \.svg or \.pdf file"),
        ("ecg.png", ["a/AF", "b/AF"], "one picture, and there are 2 recordings: name a folder"),
    ],
)
def test_a_wrong_place_is_refused_before_the_work(folder, place, records, message):
    ran = plot(folder, place, *records)
    with pytest.raises(InputError, match=message):
        raise ran.exception
    assert not ran.stdout and not (folder / place).exists()


def test_a_device_prediction_is_not_drawn(folder):
    assert "--device goes with" in str(plot(folder, "ecg.png", "a/AF", options=["--device"]).exception)
