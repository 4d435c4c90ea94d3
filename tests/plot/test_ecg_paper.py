"""The picture of an ECG: its scales, what is laid over it, and its text."""

import dataclasses

import numpy as np
import pytest
from drawn_text import find_drawn_texts, find_text_faults

import ecg_edge
from ecg_edge import HeatMap, InputError, Intervals, Marks, plot_ecg, plot_record
from ecg_edge.api.prediction_result import Localisation, Prediction
from ecg_edge.records.synthetic_ecg import synthesise

BEAT = np.zeros(5000, np.float32)
BEAT[1000] = 1.0
CLASSES = {"SNR": 0.02, "AF": 0.91, "I-AVB": 0.03, "LBBB": 0.01, "PVC": 0.03}


def predict(**fields):
    plain = {"record": "r", "label": "AF", "probabilities": CLASSES, "windows": (), "seconds": 10.0}
    return Prediction(**plain | fields)


def traces(figure, points=100):
    """The lines of at least so many points, as arrays (points, 2) in mm."""
    return [line.get_xydata() for line in figure.axes[0].lines if len(line.get_xydata()) >= points]


def words(figure):
    return [text for text, _ in find_drawn_texts(figure)]


def pictures():
    """Pictures of every kind, among them crowded ones."""
    twelve, random = synthesise("PVC", 3), np.random.default_rng(0)
    lead = synthesise("AF", 1, seconds=35, leads=("I",))
    beats = [{"time_s": i * 0.12, "label": "NAV"[i % 3]} for i in range(80)]
    rhythms = [{"start_s": i * 0.5, "rhythm": ("NSR", "AFIB", "SVTA")[i % 3]} for i in range(20)]
    heat = HeatMap(random.normal(size=(100, 2)), 0.1, ("I", "V1"), name="integrated gradients for PVC")
    yield "twelve leads", plot_record(twelve, predict(beats=beats, rhythms=rhythms), [heat])
    yield "strips", plot_record(lead, predict(seconds=35.0))
    short = dataclasses.replace(twelve, signal=twelve.signal[:500], name="a/very/long/path" * 20)
    yield "a long name above a short recording", plot_record(short, predict(label=" ".join(CLASSES) * 5))
    yield "one sample", plot_ecg(BEAT[:1], 500, ["I"], name="x")
    holter = synthesise("PVC", 2, seconds=650, fs=100, leads=("II", "V1"))
    many = Intervals([(i, i + 1, f"rhythm {i % 40}") for i in range(650)], "many")
    yield "a long recording", plot_record(holter, None, [many, Marks(np.arange(0, 650, 0.7))])
    yield "leads of long names", plot_ecg(np.tile(BEAT[:, None], 3), 500, ["chest, left", "MLII", "$x_1$"])


@pytest.mark.parametrize(("name", "figure"), list(pictures()))
def test_no_text_overlaps_another_or_leaves_the_page(name, figure):
    for dpi in (60, 150):
        assert not find_text_faults(figure, dpi), name


def test_a_second_is_25_mm_and_a_millivolt_10_mm():
    figure = plot_ecg(BEAT * 1000, 500, ["I"], units="uV")
    (trace,) = traces(figure)
    peak = trace[trace[:, 1].argmax()]
    assert peak == pytest.approx([2.0 * 25, 10.0], abs=1e-4)
    (left, right), width = figure.axes[0].get_xlim(), figure.get_size_inches()[0] * 25.4
    assert right - left == pytest.approx(width)  # the axes' unit is a millimetre of the page
    (low, high), height = figure.axes[0].get_ylim(), figure.get_size_inches()[1] * 25.4
    assert high - low == pytest.approx(height)
    assert "25 mm/s   10 mm/mV" in words(figure)


def test_a_large_signal_has_a_smaller_gain_and_the_picture_says_so():
    tall = np.repeat(BEAT[:, None], 10, axis=0) * 0
    tall[::7] = 8.0
    assert "25 mm/s   5 mm/mV" in words(plot_ecg(tall[:5000], 500, ["I"]))
    figure = plot_ecg(tall[:5000] * 1e4, 500, ["I"], units="NU")
    assert max(trace[:, 1].max() for trace in traces(figure)) <= 60.01
    assert "25 mm/s   0.00075 mm/normalised unit" in words(figure)


def test_a_long_recording_keeps_every_peak_at_its_time():
    signal = np.zeros((3600 * 100, 1), np.float32)
    peaks = np.arange(50, len(signal), 7213)
    signal[peaks] = 1.0
    lines = traces(plot_ecg(signal, 100, ["I"]))
    assert len(lines) == 12 and sum(map(len, lines)) < 12 * 6001
    found = np.concatenate(
        [line[line[:, 1] - np.median(line[:, 1]) > 9.9][:, 0] + 250 * i for i, line in enumerate(lines)]
    )
    np.testing.assert_allclose(found * 3600 / 3000, peaks / 100, atol=0.006)


def test_a_part_of_a_recording_is_drawn():
    figure = plot_ecg(BEAT, 500, ["I"], start_s=1.0, seconds=4.0)
    (trace,) = traces(figure)
    assert trace[trace[:, 1].argmax(), 0] == pytest.approx(25.0) and trace[-1, 0] == pytest.approx(4 * 25, abs=0.1)
    assert {"1 s", "5 s"} <= set(words(figure))


@pytest.mark.parametrize(("start", "seconds"), [(-1.0, 2.0), (10.0, 1.0), (2.0, 0.0), (2.0, -1.0), (float("nan"), 1.0)])
def test_a_part_outside_the_recording_is_refused(start, seconds):
    with pytest.raises(InputError, match="is no part of a recording of 10 s"):
        plot_ecg(BEAT, 500, ["I"], start_s=start, seconds=seconds)


def test_what_a_model_says_stands_above_and_is_laid_over():
    beats = [{"time_s": 2.0, "label": "N"}, {"time_s": 3.0, "label": "V"}]
    figure = plot_ecg(BEAT, 500, ["I"], prediction=predict(beats=beats, rhythms=[{"start_s": 0.0, "rhythm": "AFIB"}]))
    said = words(figure)
    assert "AF   (AF 0.91, I-AVB 0.03, PVC 0.03, SNR 0.02)" in said
    assert {"r", "N", "V", "AFIB", "predicted beats", "predicted rhythm"} <= set(said)
    (marks,) = figure.axes[0].collections[2:3]
    assert marks.get_offsets()[:, 0].tolist() == [50.0, 75.0]
    unsure = plot_ecg(BEAT, 500, ["I"], prediction=predict(unsure=True))
    assert any(text.startswith("unsure   (") for text in words(unsure))
    score = plot_ecg(BEAT, 500, ["I"], prediction=predict(label="abnormal", probabilities={}, score=2.0, threshold=1.5))
    assert "abnormal   (score 2, abnormal from 1.5)" in words(score)


def test_annotated_beats_and_rhythms_of_a_record_are_drawn():
    assert {"annotated beats", "annotated rhythm", "N", "V", "labelled PVC"} <= set(
        words(plot_record(synthesise("PVC", 3)))
    )


def shades(figure):
    """(x of the left and the right end in mm, RGBA (steps, 4)) of each heat map's panel."""
    return [(image.get_extent()[:2], np.asarray(image.get_array())[0]) for image in figure.axes[0].images]


def test_a_heat_map_is_behind_its_leads_at_its_time():
    values = np.zeros((20, 2))
    values[4, 0], values[6, 0] = 2.0, -1.0
    figure = plot_ecg(np.tile(BEAT[:, None], 2), 500, ["I", "V1"], overlays=[HeatMap(values, 0.5, ("v1", "i"))])
    (ends, colours), *others = shades(figure)
    assert len(others) == 1 and ends == pytest.approx((0.0, 250.0)) and len(colours) == 20
    order = [image.get_extent()[2] for image in figure.axes[0].images]
    lower = shades(figure)[int(np.argmin(order))][1]  # V1 is the lower row
    assert np.flatnonzero(lower[:, 3]).tolist() == [4, 6] and lower[4, 0] > lower[4, 2] and lower[6, 2] > lower[6, 0]
    assert not shades(figure)[int(np.argmax(order))][1][:, 3].any()
    every = shades(plot_ecg(np.tile(BEAT[:, None], 2), 500, ["I", "V1"], overlays=[HeatMap(values[:, 0], 0.5)]))
    assert len(every) == 2


def test_a_long_heat_map_keeps_its_largest_step():
    values = np.zeros(100_000)
    values[70_001] = 1.0
    ((_, colours),) = shades(plot_ecg(BEAT, 500, ["I"], overlays=[HeatMap(values + 1e-9, 1e-4)]))
    assert len(colours) <= 1500 and colours[:, 3].argmax() / len(colours) == pytest.approx(0.7, abs=0.01)


def test_errors_of_an_anomaly_detector_are_a_heat_map():
    where = Localisation(0.1, {"I": [0.0] * 50 + [1.0] * 50})
    ((_, colours),) = shades(plot_ecg(BEAT, 500, ["I"], prediction=predict(localisation=where)))
    assert not colours[:50, 3].any() and colours[50:, 3].all()


@pytest.mark.parametrize(
    ("heat", "message"),
    [
        (HeatMap(np.zeros((3, 2)), 1.0, ("I",), name="odd"), "odd: values of shape"),
        (HeatMap(np.zeros((3, 1)), 1.0, ("V9",)), "no lead 'V9'"),
        (HeatMap(np.zeros(0), 1.0), "values of shape"),
    ],
)
def test_a_heat_map_of_another_shape_is_refused(heat, message):
    with pytest.raises(InputError, match=message):
        plot_ecg(BEAT, 500, ["I"], overlays=[heat])


def test_gaps_and_flat_leads_are_drawn():
    signal = np.zeros((5000, 2), np.float32)
    signal[1000:2000, 0] = np.nan
    signal[:, 1] = np.nan
    first, _ = traces(plot_ecg(signal, 500, ["I", "II"]))
    assert np.isnan(first[1000:2000, 1]).all() and not np.isnan(first[2000:, 1]).any()


def test_names_are_drawn_as_they_are():
    figure = plot_ecg(BEAT, 500, ["I"], name="$\\frac{$ \x1b[31m\n", prediction=predict(label="a_b$"))
    assert "$\\frac{$ \\x1b[31m " in words(figure)


def test_the_same_picture_is_the_same_figure_twice():
    assert ecg_edge.render_figure(plot_ecg(BEAT, 500, ["I"]), "svg") == ecg_edge.render_figure(
        plot_ecg(BEAT, 500, ["I"]), "svg"
    )
