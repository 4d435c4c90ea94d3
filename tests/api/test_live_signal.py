"""Labels of a signal while it arrives: from a recording and from bytes the answers are those of the device's path."""

import csv
import math
import os
import threading
import time
import tty

import numpy as np
import pytest
from small_models import LABELS, altered, causal, convolutional, reconstructing
from wfdb_files import RANGES, Signal, write_record

import ecg_edge
from ecg_edge.api import count_stream, replay
from ecg_edge.api.answer_text import describe_answer
from ecg_edge.api.count_stream import CountDecoder
from ecg_edge.api.episode_file import EpisodeFile
from ecg_edge.api.live_signal import LiveAnswer
from ecg_edge.reporter import Reporter
from export.c99.continuous_model import ContinuousModel
from firmware_bench.front_end.device_path import DevicePath
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ModelMetadata
from firmware_bench.runtime.temperature import ONE
from firmware_bench.runtime.tflite_model import TFLiteModel

FS = 250.0  # Hz, of the sensor
SENSOR = ecg_edge.Sensor(FS, (200.0, 150.0), (7, -20), -2048, 2047)


class Messages(Reporter):
    def __init__(self):
        self.texts, self.seconds = [], []

    def message(self, text):
        self.texts.append(text)

    def progress(self, stage, done, total):
        self.seconds.append((stage, done, total))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    path.write_bytes(causal(convolutional()))
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ECG_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def make_counts(samples=5000, leads=2, seed=0):
    """Noise and waves with a gap, a saturation and a flat stretch."""
    random, moment = np.random.default_rng(seed), np.arange(samples)
    counts = 500 * np.sin(moment / 9)[:, None] ** 15 + random.normal(0, 90, (samples, leads))
    counts[samples // 5 : samples // 5 + 40, 0] = -32768
    counts[samples // 2 : samples // 2 + 9] = 2047
    counts[2 * samples // 3 :, 1] = 111
    return counts.round().clip(-32768, 2047).astype(np.int16)


def answers_of_path(model, sensor, counts, hop_s=1.0):
    """What the path of a device says of all counts at once, every hop or (0) window by window."""
    path = DevicePath(TFLiteModel(model), sensor, ContinuousModel(model.read_bytes(), hop_s) if hop_s else None)
    return [(x.sample, x.labels, x.quality, (x.probabilities / ONE).round(6).tolist()) for x in path.push(counts)]


def plain(answers):
    return [(x.sample, x.labels, x.quality, list(x.probabilities.values())) for x in answers]


def encode(counts, form):
    if form == "int16":
        return counts.astype("<i2").tobytes()
    mark = {"csv": "", "text": "nan"}[form]
    blank = {"csv": ",", "text": "\t "}[form]
    return "".join(
        blank.join(mark if x == -32768 else str(x) for x in row) + "\r\n" for row in counts.tolist()
    ).encode()


def cut(content, longest=700, seed=5):
    """The bytes in pieces of odd lengths, some of them empty."""
    random, first = np.random.default_rng(seed), 0
    while first < len(content):
        length = int(random.integers(0, longest))
        yield content[first : first + length]
        first += length


def blocks_of(source, leads=("I", "II"), reporter=None, **metadata):
    signal = source.open(ModelMetadata(leads=leads, fs=100.0, **metadata), reporter or Reporter())
    return signal, np.concatenate(list(signal.blocks))


def test_a_detector_of_anomalies_gives_a_score_and_its_threshold(tmp_path):
    path = tmp_path / "detector.tflite"
    described = {"labels": ["normal", "abnormal"], "decision": {"threshold": 0.2}, "task": {"name": "anomaly"}}
    path.write_bytes(altered(causal(reconstructing(), normalise="running"), **described))
    counts = make_counts(12_000)
    answers = list(ecg_edge.watch(path, ecg_edge.CountStream(cut(encode(counts, "int16")), SENSOR, "int16")))
    expected = answers_of_path(path, SENSOR, counts, 0)
    assert [(x.sample, x.labels, x.quality) for x in answers] == [row[:3] for row in expected] and len(answers) > 15
    assert {x.labels for x in answers} == {("normal",), ("abnormal",)}
    assert all((x.labels == ("abnormal",)) == (x.score > x.threshold) for x in answers)
    assert {"score", "threshold"} < answers[0].to_dict().keys() and "(score " in describe_answer(1.0, answers[-1])
    with pytest.raises(InputError, match="leave out --hop"):
        ecg_edge.watch(path, ecg_edge.CountStream([], SENSOR, "int16"), hop_s=1.0)


# --------------------------------------------------------------------------------------------------- streams of bytes


@pytest.mark.parametrize("hop_s", [None, 0.0, 0.5])
@pytest.mark.parametrize("form", count_stream.FORMATS)
def test_bytes_in_any_pieces_give_the_answers_of_the_path(model, form, hop_s):
    counts, reporter = make_counts(), Messages()
    expected = answers_of_path(model, SENSOR, counts, 1.0 if hop_s is None else hop_s)
    source = ecg_edge.CountStream(cut(encode(counts, form)), SENSOR, form)
    answers = list(ecg_edge.watch(model, source, reporter, hop_s))
    assert plain(answers) == expected and len(expected) > 6 and reporter.texts == []
    assert {"missing", "saturated", "flat"} <= {name for answer in answers for name in answer.quality}
    assert all(answer.seconds == round(answer.sample / FS, 3) for answer in answers)
    assert answers[0].to_dict().keys() == {"seconds", "sample", "labels", "probabilities", "quality", "heart_rate_bpm"}
    assert tuple(answers[0].probabilities) == LABELS
    assert reporter.seconds[-1] == ("signal", 20, 0)


def test_answers_have_the_heart_rate_of_the_signal_so_far(model):
    counts = make_counts()
    counts[:] = np.where(np.arange(len(counts))[:, None] % 250 < 15, 400, 0)  # 60 beats a minute
    pieces = ([counts.tobytes()], [row.tobytes() for row in counts])
    once, singly = (
        [x.heart_rate_bpm for x in ecg_edge.watch(model, ecg_edge.CountStream(part, SENSOR, "int16"))]
        for part in pieces
    )
    assert once == singly and once[0] is None and once[-1] == pytest.approx(60, abs=1)


def test_a_rate_that_the_detector_cannot_take_has_answers_without_a_heart_rate(tmp_path):
    path, reporter = tmp_path / "model.tflite", Messages()
    path.write_bytes(altered(causal(convolutional(), 1001.0), fs=1001.0))
    source = ecg_edge.CountStream([make_counts().tobytes()], ecg_edge.Sensor(1001.0, (200.0,)), "int16")
    answers = list(ecg_edge.watch(path, source, reporter))
    assert answers and {answer.heart_rate_bpm for answer in answers} == {None}
    assert len(reporter.texts) == 1 and reporter.texts[0].startswith("no heart rate: ")


def test_samples_that_come_one_by_one_are_answered_as_soon_as_20_ms_are_there(model):
    counts, taken = make_counts(), 0

    def arrive():
        nonlocal taken
        for row in counts:
            taken += 1
            yield row.tobytes()

    for answer in ecg_edge.watch(model, ecg_edge.CountStream(arrive(), SENSOR, "int16")):
        assert 0 <= taken - answer.sample < 0.02 * FS + 1


def test_leads_are_found_by_name_in_a_wider_stream(model):
    counts = make_counts(leads=4)
    sensor = ecg_edge.Sensor(FS, (1.0, 150.0, 3.0, 200.0), (0, -20, 0, 7), -2048, 2047)
    source = ecg_edge.CountStream([counts.tobytes()], sensor, "int16", ["V1", "Lead II", "V2", "DI"])
    assert plain(ecg_edge.watch(model, source)) == answers_of_path(model, SENSOR, counts[:, [3, 1]])
    _, blocks = blocks_of(ecg_edge.CountStream([counts.tobytes()], sensor, "int16", "abcd"), ("lead 3", "lead 1"))
    assert (blocks == counts[:, [2, 0]]).all()


@pytest.mark.parametrize(
    ("leads", "gains", "words"),
    [(("I", "V1"), (1.0,), "takes lead 'II', and the stream's leads are I, V1"), ((), (1.0, 2.0, 3.0), "3 gains")],
)
def test_a_stream_that_does_not_fit_is_refused_before_it_is_read(model, leads, gains, words):
    def arrive():
        pytest.fail("it was read")
        yield b""

    with pytest.raises(InputError, match=words):
        ecg_edge.watch(model, ecg_edge.CountStream(arrive(), ecg_edge.Sensor(FS, gains), "csv", leads))


def test_a_hop_that_is_none_is_refused(model):
    for hop_s, words in ((-1.0, "-1 s are not possible"), (math.nan, "nan s are not possible")):
        with pytest.raises(InputError, match=words):
            ecg_edge.watch(model, ecg_edge.CountStream([], SENSOR), hop_s=hop_s)


@pytest.mark.parametrize("rate", [math.nan, 0.5, 1e9])
def test_a_rate_that_is_none_is_refused(model, rate):
    with pytest.raises(InputError, match="rate"):
        ecg_edge.watch(model, ecg_edge.CountStream([], ecg_edge.Sensor(rate, (200.0,)), "csv"))


BROKEN = {
    "words": b"E (312) adc: failed",
    "one lead too few": b"12",
    "one lead too many": b"1,2,3",
    "no number": b"1,x",
    "a long word": b"1," + b"x" * 4000,
    "a number of Python's": b"1,1_000",
    "infinite": b"1,inf",
    "beyond all numbers": b"1," + b"9" * 400,
    "nothing": b"",
    "bytes that are no text": b"\xff\xfe\x00,\x80",
    "many bytes that are no text": b"\xff\xfe\x80" * 30,
    "an escape code": b"\x1b[2J\x1b]0;x\x07",
    "a line without end": b"1," * 5000,
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_a_line_that_is_no_sample_counts_as_missing_and_is_reported_once(line):
    messages = []
    decoder = CountDecoder("csv", 2, messages.append)
    content = b"1,2\n" + line + b"\n3,4\n" + line + b"\n-5,6.4"
    parts = [decoder.push(content[n : n + 7]) for n in range(0, len(content), 7)]
    samples = np.concatenate([*parts, decoder.end()])
    missing = [-32768, -32768]
    assert samples.tolist() == [[1, 2], missing, [3, 4], missing, [-5, 6]]
    first, last = messages
    assert first.startswith("line 2 is no sample and counts as missing: ") and len(first) < 200 and "\n" not in first
    assert first.isprintable() and last == "2 of 5 lines were no samples and count as missing"


def test_a_header_is_skipped_and_numbers_beyond_16_bits_are_clipped():
    messages = []
    decoder = CountDecoder("csv", 2, messages.append)
    samples = decoder.push(b"I,II\n40000,-40000\n,-32768\nNaN, 7.5 \n")
    assert samples.tolist() == [[32767, -32767], [-32768, -32768], [-32768, 8]]
    assert len(decoder.end()) == 0 and messages == []


@pytest.mark.parametrize("titles", [b"I,II", b"1e309,II", b"inf,-inf", b"lead 1,"])
def test_words_and_what_is_no_finite_number_are_titles(titles):
    messages = []
    assert CountDecoder("csv", 2, messages.append).push(titles + b"\n1,2\n").tolist() == [[1, 2]] and not messages


def test_an_endless_line_takes_no_memory():
    decoder = CountDecoder("text", 2, lambda _: None)
    for _ in range(1000):
        decoder.push(b"1" * 10_000)
    assert len(decoder._rest) <= count_stream.LONGEST_LINE + 1


def test_half_a_sample_at_the_end_is_reported(model):
    reporter = Messages()
    list(ecg_edge.watch(model, ecg_edge.CountStream([bytes(7)], SENSOR, "int16"), reporter))
    assert reporter.texts == [
        "the last 3 bytes are no sample of 2 leads in 16 bits",
        "the signal ended after 0.004 s, before the first answer",
    ]


# ------------------------------------------------------------------------------------------------------ serial ports


@pytest.fixture
def line():
    """A pseudo-terminal: the end that a sensor writes to, the other one, and the name of the port."""
    pytest.importorskip("serial")
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    with open(ours, "wb", 0) as sensor, open(theirs, "rb", 0) as other:
        yield sensor, other, os.ttyname(theirs)


@pytest.mark.parametrize("form", count_stream.FORMATS)
def test_a_serial_port_gives_the_answers_of_the_path_until_it_disappears(model, form, line):
    sensor, other, port = line
    counts = make_counts()
    expected = answers_of_path(model, SENSOR, counts)
    chunks = ecg_edge.open_serial(port)
    other.close()

    def write():
        for part in cut(encode(counts, form)):
            while part:
                part = part[sensor.write(part) :]
        while len(answers) < len(expected):
            time.sleep(0.01)
        sensor.close()

    writer, answers = threading.Thread(target=write, daemon=True), []
    writer.start()
    with pytest.raises(InputError, match=f"{port} disappeared: ") as caught:
        for answer in ecg_edge.watch(model, ecg_edge.CountStream(chunks, SENSOR, form)):
            answers.append(answer)
    writer.join(10)
    assert plain(answers) == expected and "\n" not in str(caught.value)


def test_a_silent_port_is_reported_once_until_it_speaks(line, monkeypatch):
    sensor, _, port = line
    monkeypatch.setattr(count_stream, "SILENCE_S", 0.02)
    reporter = Messages()
    chunks = ecg_edge.open_serial(port, 9600, reporter)
    assert [next(chunks) for _ in range(3)] == [b""] * 3
    assert reporter.texts == [f"nothing arrives from {port}: check the sensor and --baud 9600"]
    sensor.write(b"1")
    assert next(chunks) == b"1" and next(chunks) == b"" and len(reporter.texts) == 2


def test_what_is_no_port_is_one_line(tmp_path):
    pytest.importorskip("serial")
    (tmp_path / "file").write_text("")
    for name in ("absent", "file"):
        with pytest.raises(InputError, match="cannot be opened as a serial port") as caught:
            ecg_edge.open_serial(str(tmp_path / name))
        assert "\n" not in str(caught.value)


# --------------------------------------------------------------------------------------------------------- recordings


@pytest.mark.parametrize("units", ["mV", "uV"])
@pytest.mark.parametrize("form", [16, 61, 80, 160, 212, 310, 508, 516])
def test_counts_of_a_wfdb_record_are_those_of_its_file(form, units, tmp_path):
    low, high = RANGES[form]
    random = np.random.default_rng(form)
    digital = [random.integers(low, high + 1, 3000) for _ in range(2)]
    digital[1][100:130] = low  # where the format says that no sample was taken
    signals = [Signal("II", digital[0], 213.7, 11, units), Signal("I", digital[1], 55.25, -3, units)]
    stem = write_record(tmp_path, "r", [(form, signals)], rate="360")
    signal, counts = blocks_of(ecg_edge.Replay(stem, "max"))
    expected = np.stack([np.where(x == low, -32768, x) for x in digital[::-1]], axis=1)
    assert (counts == expected).all() and signal.fs == 360 and signal.seconds == 3000 / 360
    factor = {"mV": 1, "uV": 1000}[units]
    assert signal.sensor.counts_per_unit == pytest.approx((55.25 * factor, 213.7 * factor), rel=1e-12)
    assert signal.sensor.baselines == (-3, 11)


@pytest.mark.parametrize(("bits", "limits"), [(11, (0, 2047)), (0, (-32767, 32767)), (8, (-32767, 32767))])
def test_the_range_of_the_converter_is_known_where_the_header_states_one_that_fits(bits, limits, tmp_path):
    signals = [Signal(name, np.arange(0, 2048, dtype=np.int64), 200.0, 1024) for name in ("I", "II")]
    stem = write_record(tmp_path, "r", [(16, signals)])
    header = stem.with_suffix(".hea")
    header.write_text(header.read_text().replace("/mV 0 0 ", f"/mV {bits} 1024 "))
    signal, _ = blocks_of(ecg_edge.Replay(stem, "max"))
    assert (signal.sensor.lowest, signal.sensor.highest) == limits


@pytest.mark.parametrize(("peak", "gain"), [(2.0, 1000.0), (300.0, 100.0), (2000.0, 10.0)])
def test_a_recording_without_counts_is_converted_with_a_gain_that_is_said(peak, gain, tmp_path):
    values, reporter = np.random.default_rng(0).normal(0, 1, (3000, 1)).round(5), Messages()
    values[7] = peak
    np.savetxt(tmp_path / "r.csv", values, fmt="%.5f")
    source = ecg_edge.Replay(tmp_path / "r.csv", "max", fs=250, units="mV", leads="I")
    signal, counts = blocks_of(source, ("I",), reporter)
    assert signal.sensor.counts_per_unit == (gain,) and np.abs(counts / gain - values).max() <= 0.501 / gain
    assert reporter.texts == [f"{tmp_path / 'r.csv'}: I replayed as {gain:,g} counts in 1 mV"]


def test_segments_of_another_gain_are_converted(tmp_path):
    for name, gain in (("a", 200.0), ("b", 100.0)):
        write_record(tmp_path, name, [(16, [Signal("I", np.arange(100), gain)])])
    (tmp_path / "r.hea").write_text("r/2 1 250 200\na 100\nb 100\n")
    reporter = Messages()
    _, counts = blocks_of(ecg_edge.Replay(tmp_path / "r", "max"), ("I",), reporter)
    assert counts[:, 0].tolist() == [5 * n for n in range(100)] + [10 * n for n in range(100)] and reporter.texts


def test_a_recording_is_played_at_the_speed_that_is_asked_for(tmp_path, monkeypatch):
    stem = write_record(tmp_path, "r", [(16, [Signal("I", np.arange(2500))])])
    now, slept = 100.0, []

    def sleep(seconds):
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr(replay.time, "monotonic", lambda: now)
    monkeypatch.setattr(replay.time, "sleep", sleep)
    for speed in (1.0, 4.0, "max"):
        began, samples = now, 0
        slept.clear()
        signal = ecg_edge.Replay(stem, speed).open(ModelMetadata(leads=("I",), fs=100.0), Reporter())
        for block in signal.blocks:
            samples += len(block)
            if speed == "max":
                assert not slept
            else:
                assert math.isclose(now - began, samples / 250 / speed, abs_tol=1e-9)
            now += 0.003  # the model's own time is made up for
        assert samples == 2500
    with pytest.raises(InputError, match="speed of -1"):
        ecg_edge.Replay(stem, -1)


def test_a_real_record_gives_the_answers_of_the_path(model, real_data):
    import wfdb

    path = str(real_data("mitdb") / "208")
    record = wfdb.rdrecord(path, physical=False)
    sensor = ecg_edge.Sensor(record.fs, tuple(record.adc_gain), tuple(record.baseline))
    expected = answers_of_path(model, sensor, record.d_signal.astype(np.int16))
    renamed = dict(zip(record.sig_name, ("I", "II"), strict=True))
    source = ecg_edge.Replay(path, "max", rename_leads=renamed)
    assert plain(ecg_edge.watch(model, source)) == expected and len(expected) > 600


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preprocessing": [{"step": "highpass", "cutoff": 0.5}]}, "train with --set signal.mode=causal"),
        ({"window_preprocessing": [{"step": "fill_gaps"}]}, "of a window"),
        ({"labels": []}, "labels"),
        ({"leads": []}, "leads"),
    ],
)
def test_a_model_without_a_path_is_refused_before_the_signal_is_opened(change, words, tmp_path):
    class Source:
        def open(self, metadata, reporter):
            pytest.fail("it was opened")

    file = tmp_path / "m.tflite"
    file.write_bytes(altered(causal(convolutional()), **change))
    with pytest.raises(InputError, match=words) as caught:
        ecg_edge.watch(file, Source())
    assert str(caught.value).startswith(f"{file}: ") and "\n" not in str(caught.value)
    with pytest.raises(InputError, match="is a folder: name an exported"):
        ecg_edge.watch(tmp_path, Source())


def test_a_recording_in_another_unit_or_without_the_lead_is_refused(model, tmp_path):
    for units, name, words in (("NU", "I", "are in NU"), ("mV", "V1", "no lead 'I'")):
        stem = write_record(tmp_path, "r", [(16, [Signal(x, np.arange(900), units=units) for x in (name, "II")])])
        with pytest.raises(InputError, match=words):
            ecg_edge.watch(model, ecg_edge.Replay(stem))


# ---------------------------------------------------------------------------------------------------------- episodes


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
