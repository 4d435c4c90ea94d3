"""AAMI classes, and detection of R peaks where none are annotated."""

import dataclasses
import warnings

import numpy as np
import pytest

from ecg_edge.evaluation.beat_detection import match_beats
from ecg_edge.records.formats.wfdb_annotations import BEAT_CODES
from ecg_edge.records.record import AAMI, Beats, Record
from ecg_edge.records.synthetic_ecg import synthesise
from ecg_edge.signals.r_peaks import detect_r_peaks, detect_r_peaks_causal, find_beats
from firmware_bench.runtime.errors import InputError


def test_every_wfdb_beat_code_has_its_class():
    assert set(AAMI) == set(BEAT_CODES)
    classes = {name: "".join(sorted(code for code in AAMI if AAMI[code] == name)) for name in "NAVFQ"}
    assert classes == {"N": "BLNRejn", "A": "AJSa", "V": "EVr", "F": "F", "Q": "/?Qf"}


def found(reference, detected, fs):
    """Shares of `reference` beats that were found, and of `detected` ones that are right, within 150 ms."""

    def near(these, those):
        after = np.searchsorted(those, these)
        gaps = [np.abs(those[place.clip(0, len(those) - 1)] - these) for place in (after - 1, after)]
        return np.mean(np.minimum(*gaps) <= 0.15 * fs)

    return near(reference, detected), near(detected, reference)


@pytest.mark.parametrize("rhythm", ["SNR", "AF", "LBBB", "PAC"])
@pytest.mark.parametrize("scale", [1.0, 0.05, 20.0])
def test_r_peaks_are_found_at_any_amplitude(rhythm, scale):
    record = synthesise(rhythm, seed=1, seconds=10)
    peaks = detect_r_peaks(scale * record.select_leads(("II",))[:, 0], record.fs)
    inside = (record.beats.samples > 100) & (record.beats.samples < 4900)
    sensitivity, predictivity = found(record.beats.samples[inside], peaks, record.fs)
    assert peaks.dtype == np.int64 and min(sensitivity, predictivity) > 0.9


def test_signals_without_beats_have_none():
    noise = np.random.default_rng(0).normal(size=360)
    for lead in (np.zeros(0), np.zeros(5000), np.full(5000, 3.0), np.full(5000, np.nan), noise[:1], noise[:359]):
        peaks = detect_r_peaks(lead, fs=360)
        assert peaks.dtype == np.int64 and peaks.shape == (0,)


@pytest.mark.parametrize("fs", [41, 128, 360, 1000])
def test_short_and_damaged_signals_raise_no_error(fs):
    rng = np.random.default_rng(fs)
    for samples in (fs, fs + 1, 2 * fs, 3 * fs + 7, 2007):
        noise = rng.normal(size=samples)
        step = np.where(np.arange(samples) < samples // 2, 0.0, 1.0)
        spike = np.where(np.arange(samples) == samples // 2, 1.0, 0.0)
        holes = np.where(rng.random(samples) < 0.3, np.nan, noise)
        for lead in (noise, step, spike, holes, 1e-5 * noise, 1e4 * noise):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                peaks = detect_r_peaks(lead, fs)
            assert (np.diff(peaks) > 0).all() and ((peaks >= 0) & (peaks < samples)).all()


def test_a_gap_loses_only_the_beats_in_it():
    record = synthesise("SNR", seed=0)
    lead = record.signal[:, 1].copy()
    whole = detect_r_peaks(lead, record.fs)
    lead[1400:1500] = np.nan
    outside = (whole < 1350) | (whole > 1550)
    assert set(whole[outside]) <= set(detect_r_peaks(lead, record.fs))


def test_too_low_a_rate_is_refused():
    with pytest.raises(InputError, match="sampled at 40 Hz, too low to find R peaks"):
        detect_r_peaks(np.zeros(1000), fs=40)


def test_annotated_beats_are_returned_unchanged():
    record = synthesise("PVC", seed=0)
    assert find_beats(record) is record.beats
    bare = dataclasses.replace(record, signal=None, header_samples=5000)
    assert find_beats(bare) is record.beats


def test_detected_beats_are_of_unknown_class():
    record = dataclasses.replace(synthesise("SNR", seed=0), beats=None)
    beats = find_beats(record)
    assert isinstance(beats, Beats) and len(beats.samples) >= 8
    assert set(beats.symbols) == {"?"} and AAMI["?"] not in "NAV"


def test_the_best_lead_that_is_not_flat_is_used():
    whole = synthesise("SNR", seed=0, leads=("V1", "II"))
    expected = detect_r_peaks(whole.signal[:, 1], whole.fs)
    noisy = whole.signal.copy()
    noisy[:, 0] = np.random.default_rng(0).normal(size=len(noisy))
    np.testing.assert_array_equal(find_beats(dataclasses.replace(whole, signal=noisy, beats=None)).samples, expected)
    swapped = np.stack([whole.signal[:, 1], np.zeros(len(noisy), np.float32)], axis=1)
    np.testing.assert_array_equal(find_beats(dataclasses.replace(whole, signal=swapped, beats=None)).samples, expected)


def test_neither_annotations_nor_signal_is_an_error():
    with pytest.raises(InputError, match="record r has annotations alone"):
        find_beats(Record("r", "r", None, 128.0, ("ECG",), header_samples=1000))


def test_nothing_is_printed_and_no_warning_given(capsys):
    record = dataclasses.replace(synthesise("AF", seed=2), beats=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_beats(record)
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["100", "103", "200", "232"])
def test_detected_beats_are_those_annotated_by_cardiologists(real_data, name):
    from ecg_edge.records.databases.mitdb import Mitdb

    folder = real_data("mitdb")
    record = Mitdb().read(folder, {entry.name: entry for entry in Mitdb().index(folder)}[name])
    beats = find_beats(dataclasses.replace(record, beats=None))
    sensitivity, predictivity = found(record.beats.samples, beats.samples, record.fs)
    assert min(sensitivity, predictivity) > 0.99


@pytest.mark.slow
def test_low_voltages_are_found_in_ten_seconds(real_data):
    from ecg_edge.records.databases.ptbxl import Ptbxl

    folder, database = real_data("ptbxl"), Ptbxl()
    entries = {entry.name: entry for entry in database.index(folder)}
    for name in ("00155", "00161", "00172", "00269", "00348"):
        record = database.read(folder, entries[name])
        assert np.ptp(record.select_leads(("II",))) < 1.0
        assert 8 <= len(find_beats(record).samples) <= 20


@pytest.mark.parametrize("fs", [128.0, 250.0, 360.0])
def test_a_device_finds_the_beats_of_synthetic_ecg(fs):
    record = synthesise("SNR", seed=3, seconds=30.0, fs=fs, leads=("II",))
    signal = record.signal[:, 0].copy()
    signal[100:103] = np.nan
    found = detect_r_peaks_causal(signal, fs)
    annotated = record.beats.samples[record.beats.samples < len(signal) - 0.5 * fs]
    assert len(match_beats(annotated, found, 0.05 * fs)) >= len(annotated) - 1 and len(found) <= len(annotated) + 1


def test_a_device_finds_nothing_in_a_flat_lead():
    for value in (0.0, 3.0, 1e9, np.nan):
        assert not len(detect_r_peaks_causal(np.full(3000, value), 250.0))


def test_a_rate_that_does_not_divide_is_refused():
    with pytest.raises(InputError, match="ratio"):
        detect_r_peaks_causal(np.zeros(3000), 127.95)
