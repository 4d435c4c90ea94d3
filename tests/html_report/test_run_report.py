"""The report of runs: complete, self-contained, and unharmed by what a folder holds or lacks."""

import html
import html.parser
import re
import types

import numpy as np
import pytest
from report_folder import make_scores, write_detector, write_evaluation, write_run

import ecg_edge
from ecg_edge import InputError
from ecg_edge.html_report import run_report
from ecg_edge.html_report.recording_section import choose_units
from ecg_edge.html_report.run_forms import Evaluation
from firmware_bench.runtime.files import read_json, write_json

SECTIONS = ["Data", "Training", "Figures", "ROC and precision–recall", "Calibration", "Exported files",
            "Memory on boards", "Quantisation", "How to repeat it"]  # fmt: skip
HOSTILE = '<script>alert("1")</script>'


class Page(html.parser.HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, path):
        super().__init__()
        self.source, self.tags, self.texts, self._tag = path.read_text(encoding="utf-8"), [], [], ""
        self.feed(self.source)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._tag = tag

    def handle_data(self, data):
        if self._tag != "style":
            self.texts.append(data)

    def list_headings(self, name):
        """The headings of a class."""
        return re.findall(rf'<h\d class="{name}">(.*?)</h\d>', self.source)

    def texts_of(self, name):
        """The texts of the elements with a class."""
        return [html.unescape(text) for text in re.findall(f'<p class="{name}">(.*?)</p>', self.source)]


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


def make_page(*runs, out=None):
    return Page(ecg_edge.report([*runs], out, recordings=0))


def test_the_page_shows_every_part_and_needs_nothing_else(run):
    page = make_page(run)
    assert page.list_headings("section") == SECTIONS
    for text in ("60 recordings of 12 patients", "0.765 [0.665, 0.865]", "N 20, A 20, O 20", "Keras, float", "cnn-int8",
                 "0.123 MB", "87 ms", "50% of it", "105,000 bytes", "20,300 bytes", "196%",
                 "96,340 bytes of RAM missing", "21.5", "kept, 6.",
                 "ecg-edge train --arch cnn --data 'my recordings' --seed 3", "3.15"):  # fmt: skip
        assert text in page.text, text
    assert not page.texts_of("missing") and not page.texts_of("damaged")
    assert not re.search(r"https?:|url\(|@import", page.source) and "script" not in {tag for tag, _ in page.tags}
    sources = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert all(value.startswith(("data:", "#")) for value in sources)
    assert len(page.source.encode()) < run_report.MAX_BYTES


def test_charts_have_a_text_for_those_who_do_not_see_them(run):
    charts = [attributes for tag, attributes in make_page(run).tags if tag == "svg" and "role" in attributes]
    assert len(charts) == 7 and all(len(attributes["aria-label"]) > 20 for attributes in charts)
    assert any("training, with class weights from 1 to 0.125" in attributes["aria-label"] for attributes in charts)


def test_without_its_parts_the_page_says_what_is_missing_and_how_to_get_it(tmp_path):
    run = tmp_path / "run"
    write_json(run / "split.json", {"train": ["a"], "validation": [], "test": []})
    missing = " ".join(make_page(run).texts_of("missing"))
    for command in ("evaluate", "export", "mcu"):
        assert f"ecg-edge {command} {run}" in missing
    assert "No config.json" in missing and "No history.csv" in missing
    write_run(tmp_path / "other")
    (tmp_path / "other" / "evaluation-keras.npz").unlink()
    (tmp_path / "other" / "evaluation-cnn-int8.npz").unlink()
    assert [line.split(":")[0] for line in make_page(tmp_path / "other").texts_of("missing")] == [
        "No scores of recordings are kept"
    ] * 2


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2]", b'{"model": 1, "boards": [], "signal": null}',
                                     b"9" * 5000, b"[" * 100_000, b"epoch\nx", b"epoch,loss\n1", b"PK"])  # fmt: skip
@pytest.mark.parametrize("name", ["config.json", "split.json", "history.csv", "evaluation-keras.json",
                                  "evaluation-keras.npz", "export/cnn-int8.json", "mcu-cnn-int8.json",
                                  "bench-pi4.json"])  # fmt: skip
def test_a_damaged_part_is_a_line_in_the_page_and_the_others_stay(run, name, content):
    (run / name).write_bytes(content)
    page = make_page(run)
    assert [line.split(" is damaged")[0] for line in page.texts_of("damaged")] == [name.split("/")[-1]]
    assert "0.765 [0.665, 0.865]" in page.text and {*page.list_headings("section")} >= {*SECTIONS}


@pytest.mark.parametrize("changes", [{"scores": {"probabilities": [60, 2], "truth": [60, 2], "names": [60]}},
                                     {"classes": {"N": {}}, "confusion_matrix": None},
                                     {"scores": {"probabilities": [10**9, 3]}}, {"scores": {"pickle": [1]}},
                                     {"scores": {"truth": [60, 3], "names": [9]}}])  # fmt: skip
def test_scores_of_another_size_than_stated_are_damaged(run, changes):
    file = run / "evaluation-keras.json"
    write_json(file, read_json(file) | changes)
    (line,) = make_page(run).texts_of("damaged")
    assert line.startswith("evaluation-keras.npz is damaged")


def test_texts_of_the_folder_stay_text(tmp_path):
    run = write_run(tmp_path / "run", classes=("N", HOSTILE, "\x1b[2J\u202e"), data=HOSTILE, file="a&b'\"<i>",
                    git_commit=HOSTILE, versions={HOSTILE: HOSTILE}, arguments=["--data", HOSTILE])  # fmt: skip
    page = make_page(run)
    assert not {"script", "i"} & {tag for tag, _ in page.tags} and HOSTILE not in page.source
    assert HOSTILE in page.text and "a&b'\"<i>" in page.text and r"\x1b[2J\u202e" in page.text
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_runs_are_compared_in_one_page(tmp_path):
    runs = [write_run(tmp_path / "first" / "run"), write_run(tmp_path / "second" / "run", seed=4)]
    page = make_page(*runs, out=tmp_path / "both.html")
    assert page.list_headings("chapter") == ["Comparison", "first/run", "second/run"]
    comparison = page.source.split(">first/run</h2>")[0]
    assert re.search("seed</th>\\s*<td>3</td>\\s*<td>4</td>", comparison) and ">batch<" not in comparison
    assert comparison.count("0.765 [0.665, 0.865]") == 4 and comparison.count("87 ms, Raspberry Pi 4") == 2
    assert "cannot be compared" not in page.text
    write_evaluation(runs[1], "keras", ("N", "A", "O"), make_scores(("N", "A", "O")), data="another, test part")
    assert "cannot be compared" in make_page(*runs).text


def test_an_anomaly_detector_has_its_latent_space(tmp_path):
    page = make_page(write_detector(tmp_path / "run"))
    assert (
        "Scores and latent space" in page.text
        and page.text.count("normal (40)") == 2
        and page.text.count("abnormal (20)") == 2
    )
    assert "Active on normal recordings: 3 of 3 dimensions" in page.text and "threshold, 0.9" in page.text
    labels = " ".join(attributes.get("aria-label", "") for _, attributes in page.tags)
    assert "Latent means of recordings" in labels and "abnormal, area" in page.text
    assert page.source.count("<circle") >= 60


def test_recordings_that_cannot_be_drawn_are_a_line(run):
    page = Page(ecg_edge.report(run))
    (line,) = page.texts_of("missing")
    assert line.startswith("Recordings are not drawn: ") and "0.765 [0.665" in page.text
    for file in run.glob("evaluation-*.npz"):
        file.unlink()
    assert "No scores of recordings are kept" in Page(ecg_edge.report(run)).texts_of("missing")[-1]


def test_recordings_are_drawn_wrong_and_right_of_every_class_in_turn_the_surest_first():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05], [0.3, 0.7], [0.4, 0.6], [0.6, 0.4]])
    truth = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 0], [0, 1]], bool)
    evaluation = Evaluation("keras", None, {"probabilities": probabilities, "truth": truth})
    assert choose_units(evaluation, 5) == [(4, False), (5, False), (2, True), (3, True), (0, True)]
    assert choose_units(evaluation, 1) == [(2, True)]
    scores = {"score": np.array([0.1, 2.0, 0.8, 0.5]), "abnormal": np.array([True, True, False, False])}
    detector = Evaluation("keras", types.SimpleNamespace(threshold=0.6), scores)
    assert choose_units(detector, 4) == [(2, False), (0, False), (3, True), (1, True)]


def test_what_is_no_run_is_refused_in_a_line_and_nothing_is_written(tmp_path, run):
    for folder, reason in ((tmp_path / "none", "no such folder"), (tmp_path, "no config.json")):
        with pytest.raises(InputError, match=reason):
            ecg_edge.report(folder)
    with pytest.raises(InputError, match="is a folder"):
        ecg_edge.report(run, tmp_path)
    with pytest.raises(InputError, match="1 to 20 runs"):
        ecg_edge.report([])
    with pytest.raises(InputError, match="0 to 20 recordings"):
        ecg_edge.report(run, recordings=-1)
    assert [*tmp_path.iterdir()] == [run]


def test_a_page_that_is_too_large_to_mail_is_not_written(run, monkeypatch):
    monkeypatch.setattr(run_report, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="take fewer runs or recordings"):
        ecg_edge.report(run)
    assert not (run / "report.html").exists()
