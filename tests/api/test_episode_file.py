"""Episodes of labels in a CSV: they tile the signal, and a file is continued."""

import csv

import pytest

from ecg_edge.api.episode_file import EpisodeFile
from ecg_edge.api.live_signal import LiveAnswer
from firmware_bench.runtime.errors import InputError


def answer(seconds, *labels, quality=()):
    return LiveAnswer(seconds, round(seconds * 250), labels, {}, quality)


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_episodes_tile_the_signal_and_carry_everything_that_was_wrong(tmp_path):
    path = tmp_path / "e.csv"
    with EpisodeFile(path) as episodes:
        for one in (
            answer(10.0, "N"), answer(20.0, "N", quality=("flat",)), answer(30.0, "N", quality=("missing",)),
            answer(40.0, "AF, fast"), answer(50.0), answer(60.0, "A", "B\n"),
        ):  # fmt: skip
            episodes.add(one)
            assert path.read_bytes().endswith(b"\n")
        assert len(read_rows(path)) == 4
    header, *rows = read_rows(path)
    assert header == ["started", "onset_s", "end_s", "label", "quality"] and len({row[0] for row in rows}) == 1
    assert [row[1:] for row in rows] == [
        ["0.000", "30.000", "N", "missing+flat"],
        ["30.000", "40.000", "AF, fast", ""],
        ["40.000", "50.000", "", ""],
        ["50.000", "60.000", "A+B ", ""],
    ]


def test_a_file_of_episodes_is_continued_and_another_one_left_alone(tmp_path):
    path, other = tmp_path / "e.csv", tmp_path / "other.csv"
    for seconds in (1.0, 2.0):
        with EpisodeFile(path) as episodes:
            episodes.add(answer(seconds, "N"))
        with path.open("a") as file:
            file.write("2026-01-01T00:00:00+00:00,1.0")  # power was lost here
    rows = read_rows(path)
    assert [row[3] for row in rows if len(row) == 5] == ["label", "N", "N"] and [len(row) for row in rows].count(2) == 2
    other.write_text("time,value\n1,2\n")
    for where, words in ((other, "something else than episodes"), (tmp_path / "no" / "e.csv", "e.csv")):
        with pytest.raises(InputError, match=words):
            EpisodeFile(where)
    assert other.read_text() == "time,value\n1,2\n"


def test_without_an_answer_there_is_no_episode(tmp_path):
    with EpisodeFile(tmp_path / "e.csv"):
        pass
    assert len(read_rows(tmp_path / "e.csv")) == 1
