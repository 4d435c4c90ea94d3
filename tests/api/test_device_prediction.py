"""What a device would say of a recording: the same windows as in training, and rhythms with onset and end."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from small_pairs import LEADS, make_pair

import ecg_edge
from ecg_edge.api.device_prediction import merge_episodes
from ecg_edge.cli.predict import command
from ecg_edge.demo import write_wfdb
from ecg_edge.records.synthetic_ecg import synthesise
from firmware_bench.front_end.beat_path import NO_BEATS, DeviceRhythm
from firmware_bench.runtime.errors import InputError


def make_rhythms(labels, qualities=None):
    """Windows of 10 s every 5 s at 100 Hz."""
    qualities = qualities or [()] * len(labels)
    return [
        DeviceRhythm(500 * n + 1100, 500 * n, 500 * n + 1000, label, 9, np.zeros(2, np.int8), quality)
        for n, (label, quality) in enumerate(zip(labels, qualities, strict=True))
    ]


def describe(rhythms):
    return [(each.onset_s, each.end_s, each.label) for each in merge_episodes(rhythms, 100.0)]


def test_windows_of_one_rhythm_are_one_episode():
    assert describe(make_rhythms(["N", "N", "AF", "AF", "AF", "N"])) == [
        (0.0, 12.5, "N"),
        (12.5, 27.5, "AF"),
        (27.5, 35.0, "N"),
    ]
    assert describe([]) == []


@pytest.mark.parametrize("quality", [("missing",), ("saturated",), (NO_BEATS,)])
def test_a_rhythm_of_a_bad_signal_has_no_label(quality):
    rhythms = make_rhythms(["AF", "AF", "AF"], [(), quality, ()])
    assert describe(rhythms) == [(0.0, 7.5, "AF"), (7.5, 12.5, None), (12.5, 20.0, "AF")]
    assert merge_episodes(rhythms, 100.0)[1].quality == quality


@pytest.fixture
def pair(tmp_path):
    rhythm, beats = make_pair()
    (tmp_path / "beats.tflite").write_bytes(beats)
    (tmp_path / "rhythm.tflite").write_bytes(rhythm)
    return tmp_path / "rhythm.tflite"


def test_a_record_that_fails_is_named_and_the_others_are_predicted(pair, tmp_path):
    good = write_wfdb(synthesise("SNR", seed=1, leads=LEADS, seconds=25), tmp_path)
    (tmp_path / "broken.dat").write_bytes(b"")
    (tmp_path / "broken.hea").write_text("broken 2 100\nno line of a signal\n")
    words = [str(pair), str(tmp_path / "missing"), str(good), str(tmp_path / "broken"), "--device", "--json"]
    ran = CliRunner().invoke(command, words)
    assert isinstance(ran.exception, InputError) and str(ran.exception).startswith("2 of 3 recordings")
    found = json.loads(ran.stdout)
    assert [each["record"] for each in found["records"]] == [str(good)] and len(found["records"][0]["beats"]) > 15
    assert [each["record"] for each in found["errors"]] == [words[1], words[3]]
    assert all(each["error"] in ran.stderr for each in found["errors"])


class Metronome:
    """A detector that finds an R peak every second, ten samples late."""

    def __init__(self):
        self.samples = 0

    def push(self, sample):
        self.samples += 1
        return 10 if self.samples % 128 == 11 else 0


def test_another_detector_finds_the_peaks(pair, tmp_path):
    record = write_wfdb(synthesise("SNR", seed=1, leads=LEADS, seconds=20), tmp_path)
    found = ecg_edge.predict_on_device(pair, ecg_edge.Replay(record, "max"), detector=Metronome())
    assert [beat["time_s"] for beat in found.beats][:15] == list(range(15))
