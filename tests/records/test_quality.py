"""What a signal says about itself: flat, missing and clipped samples, and amplitudes that no ECG has."""

import numpy as np
import pytest

from ecg_edge.records.databases.catalogue import recognise_folder
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.quality import assess_signal
from ecg_edge.records.record import Record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.synthetic_ecg import synthesise

ECG = synthesise("SNR", seed=1)


def assess(signal=None, units="mV", leads=None):
    signal = ECG.signal if signal is None else np.asarray(signal, np.float32)
    names = leads or ECG.leads[: signal.shape[1]]
    return assess_signal(Record("r", "r", signal, ECG.fs, names, units=units), names)


def test_nothing_is_said_about_a_sound_ecg():
    found = assess()
    assert (found.unit, found.flat_leads, found.missing_share, found.clipped_share) == ("mV", (), 0, 0)
    assert found.remarks == () and found.amplitude_range == pytest.approx(
        (ECG.signal.min(), ECG.signal.max()), abs=1e-5
    )


def test_shares_of_missing_and_clipped_samples():
    signal = ECG.signal.copy()
    signal[: len(signal) // 4, :6] = np.nan
    signal[-500:, 0] = 5.0
    found = assess(signal)
    assert found.missing_share == pytest.approx(1 / 8) and found.clipped_share == round(500 / signal.size, 6)
    assert found.problems == () and found.amplitude_range[1] == 5.0
    assert found.warnings == ("12.5% of its samples are missing", "0.8% of its samples are clipped")


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_without_signal_all_zeros_all_invalid(value):
    found = assess(np.full((100, 2), value))
    assert found.problems == ("no lead carries a signal",) and found.flat_leads == ("I", "II")
    assert found.missing_share == float(np.isnan(value))


def test_one_flat_lead_is_a_warning_and_most_missing_a_problem():
    signal = ECG.signal.copy()
    signal[:, 2] = 0.0
    assert (assess(signal).problems, assess(signal).warnings) == ((), ("flat: III",))
    signal[: int(0.6 * len(signal))] = np.nan
    assert assess(signal).problems == ("60.0% of its samples are missing",)


def spoilt(kind):
    """The same ECG under a wrong unit."""
    signal = ECG.signal.astype(np.float64)
    return {
        "µV": 1000 * signal,
        "V": signal / 1000,
        "nV": 1e6 * signal,
        "counts": np.round(200 * signal),
        "counts with a baseline": np.round(1024 + 200 * signal),
        "z-scores": (signal - signal.mean(axis=0)) / signal.std(axis=0),
        "z-scores in thousandths": np.round((signal - signal.mean(axis=0)) / signal.std(axis=0), 3),
    }[kind]


@pytest.mark.parametrize("columns", [1, 12])
@pytest.mark.parametrize(
    "kind", ["µV", "V", "nV", "counts", "counts with a baseline", "z-scores", "z-scores in thousandths"]
)
def test_another_unit_under_the_name_of_mv_is_named(kind, columns):
    (text,) = assess(spoilt(kind)[:, :columns]).impossible_amplitudes
    assert "mV" in text and text in assess(spoilt(kind)[:, :columns]).problems
    assert assess(spoilt(kind)[:, :columns], units="NU").impossible_amplitudes == ()


def test_scaled_to_one_is_a_warning():
    signal = ECG.signal
    scaled = (signal - signal.min(axis=0)) / (signal.max(axis=0) - signal.min(axis=0))
    for values in (scaled, 2 * scaled - 1):
        assert assess(values).problems == () and "as if it was scaled" in assess(values).warnings[0]


@pytest.mark.parametrize(
    "database", ["mitdb", "cinc2017", "cpsc2018", "ptbxl", "svdb", "aftdb", "cudb", "nstdb", "ludb", "cpsc2021"]
)
def test_no_real_ecg_has_impossible_amplitudes(database, real_data):
    folder = real_data(database)
    stems = sorted(path.with_suffix("") for path in folder.rglob("*.hea"))
    found = {}
    for stem in stems[:: len(stems) // 5]:
        try:
            record = read_record(stem)
        except RecordError:
            continue
        found[stem.name] = assess_signal(record, record.leads).impossible_amplitudes
    assert len(found) >= 3 and not any(found.values())


def test_real_z_scores_under_a_wrong_unit_are_named(real_data):
    folder = real_data("ptbxl_filtered")
    record = read_record(folder / "00009")
    assert record.units == "NU" and assess_signal(record, record.leads).problems == ()
    as_mv = Record("r", "r", record.signal, record.fs, record.leads)
    assert "z-scores, not mV" in assess_signal(as_mv, record.leads).problems[0]


def test_data_check_names_wrong_units(tmp_path, write_record):
    from ecg_edge.records.check import check

    for number in range(10):
        write_record(tmp_path, f"r{number}", leads=("I", "II"), seed=number)
    header = (tmp_path / "r3.hea").read_text()
    assert " 1000.0(" in header
    (tmp_path / "r3.hea").write_text(header.replace(" 1000.0(", " 1.0("))
    rows = "".join(f"r{number},N\n" for number in range(10))
    (tmp_path / "labels.csv").write_text("record,label\n" + rows)
    findings = check(recognise_folder(tmp_path), tmp_path).findings
    assert [(finding.record, finding.severity) for finding in findings] == [("r3", "warning")]
    assert "no ECG in mV has them" in findings[0].text
