"""Labels of a signal while it arrives: from a recording and from bytes the answers are those of the device's path."""

import math
import os
import threading
import time
import tty

import numpy as np
import pytest
from live_sources import Messages, blocks_of
from small_models import LABELS, altered, causal, convolutional, reconstructing
from wfdb_files import Signal, write_record

import ecg_edge
from ecg_edge.api import count_stream
from ecg_edge.api.answer_text import describe_answer
from ecg_edge.api.count_stream import CountDecoder
from export.c99.continuous_model import ContinuousModel
from firmware_bench.front_end.device_path import DevicePath
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.temperature import ONE
from firmware_bench.runtime.tflite_model import TFLiteModel

FS = 250.0  # Hz, of the sensor
SENSOR = ecg_edge.Sensor(FS, (200.0, 150.0), (7, -20), -2048, 2047)


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
