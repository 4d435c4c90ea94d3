"""numpy's files: the number of leads tells the axes; rate and unit are in the file or stated."""

import pickle
import zipfile

import numpy as np
import pytest

from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.records.record_error import RecordError
from ecg_edge.records.signal_description import SignalDescription

SIGNAL = np.random.default_rng(0).normal(0, 400, (600, 2))
LEADS = SignalDescription(250, "uV", ("I", "II"))


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", ">i4", "f2"])
@pytest.mark.parametrize("transposed", [False, True])
def test_arrays_are_read_whatever_their_axes_and_types(tmp_path, dtype, transposed):
    array = SIGNAL.astype(dtype)
    np.save(tmp_path / "r.npy", array.T if transposed else array)
    record = read_record(tmp_path / "r.npy", stated=LEADS)
    np.testing.assert_allclose(record.signal, array.astype(float) / 1000, rtol=1e-6)
    assert (record.fs, record.leads, record.signal.dtype) == (250.0, ("I", "II"), np.float32)


def test_an_archive_states_rate_unit_and_leads(tmp_path):
    np.savez_compressed(tmp_path / "r.npz", signal=SIGNAL, beats=[1], fs=250, units="uV", leads=["I", "II"])
    record = read_record(tmp_path / "r")
    np.testing.assert_allclose(record.signal, SIGNAL / 1000, rtol=1e-6)
    assert (record.fs, record.leads) == (250.0, ("I", "II"))
    np.savez(tmp_path / "s.npz", SIGNAL[:, 0])
    assert read_record(tmp_path / "s.npz", stated=SignalDescription(250, "uV")).select_leads(("II",)).shape == (600, 1)


def test_normalised_units_are_stated_or_in_the_archive(tmp_path):
    np.save(tmp_path / "r.npy", SIGNAL)
    np.savez(tmp_path / "s.npz", signal=SIGNAL, fs=250, units="NU", leads=["I", "II"])
    stated = read_record(tmp_path / "r.npy", stated=SignalDescription(250, "NU", ("I", "II")))
    for record in (stated, read_record(tmp_path / "s.npz")):
        np.testing.assert_allclose(record.signal, SIGNAL, rtol=1e-6)
        assert record.units == "NU"


def save(path, array, **options):
    np.save(path, array, **options)


@pytest.mark.parametrize(
    ("array", "stated", "complaint"),
    [
        (
            SIGNAL,
            SignalDescription(),
            r"rate with fs \(--fs\) and its unit with units \(--units\) and its leads with leads",
        ),
        (SIGNAL, SignalDescription(250, "uV", ("I",)), r"has shape \(600, 2\), and 1 leads are named"),
        (SIGNAL[:2], LEADS, r"has shape \(2, 2\)"),
        (SIGNAL[None], LEADS, r"shape \(1, 600, 2\)"),
        (SIGNAL.astype(complex), LEADS, "complex"),
        (SIGNAL > 0, LEADS, "bool"),
        (SIGNAL[:0], LEADS, r"shape \(0, 2\)"),
        (np.full((600, 2), np.inf), LEADS, "infinite"),
        (np.full((600, 2), 1e300), LEADS, "infinite"),
    ],
)
def test_what_is_no_signal_is_refused(tmp_path, array, stated, complaint):
    np.save(tmp_path / "r.npy", array)
    with pytest.raises(RecordError, match=rf"r\.npy.*{complaint}"):
        read_record(tmp_path / "r.npy", stated=stated)


def test_hostile_files_are_refused(tmp_path):
    np.save(tmp_path / "object.npy", np.array([{}], object))
    content = tmp_path / "r.npy"
    np.save(content, SIGNAL)
    (tmp_path / "long.npy").write_bytes(content.read_bytes().replace(b"(600, 2)", b"(6000000000000, 2)"))
    (tmp_path / "cut.npy").write_bytes(content.read_bytes()[:-1])
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({}))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("signal.npy", bytes(2**24))
    for name in ("object.npy", "long.npy", "cut.npy", "pickle.npz", "bomb.npz"):
        with pytest.raises(RecordError, match=name.replace(".", r"\.")):
            read_record(tmp_path / name, stated=LEADS)
