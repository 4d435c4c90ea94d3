"""WFDB records made for a test, so that damaging them needs no real data."""

import re

import numpy as np
import pytest
from database_forms import FORMS

from ecg_edge.records.formats.wfdb_format import import_wfdb


@pytest.fixture
def write_record():
    """write_record(folder, name, …) → the physical signal (samples, leads) that was written, beats like an ECG's."""

    def write(folder, name, leads=("I",), fs=500, samples=2000, units="mV", form="16", gain=1000, seed=0, comments=()):
        folder.mkdir(parents=True, exist_ok=True)
        signal = ecg(samples, len(leads), fs, seed)
        placeholders = [f"{column}:{lead}" for column, lead in enumerate(leads)]  # wfdb writes no name twice
        import_wfdb().wrsamp(
            name,
            fs=fs,
            units=[units] * len(leads),
            sig_name=placeholders,
            p_signal=signal,
            fmt=[form] * len(leads),
            adc_gain=[float(gain)] * len(leads),
            baseline=[100] * len(leads),
            comments=list(comments),
            write_dir=str(folder),
        )
        header = folder / f"{name}.hea"
        text = header.read_text()
        for placeholder, lead in zip(placeholders, leads, strict=True):
            text = text.replace(f" {placeholder}\n", f" {lead}\n")
        header.write_text(text)
        return signal

    return write


@pytest.fixture
def annotate():
    """annotate(folder, name, "+0(N N100 V250 …".split()) writes annotations: code, sample, and a mark's note."""

    def write(folder, name, marks, suffix="atr"):
        symbols, samples, notes = [], [], []
        for mark in marks:
            at = re.match(r"(.)(\d+)(.*)", mark)
            symbols.append(at[1])
            samples.append(int(at[2]))
            notes.append(at[3])
        import_wfdb().wrann(name, suffix, np.array(samples), symbol=symbols, aux_note=notes, write_dir=str(folder))

    return write


@pytest.fixture
def make_form(tmp_path, write_record, annotate):
    """make_form("svdb") → a small folder of the form that the database has on PhysioNet."""

    def make(name):
        folder = tmp_path / f"form of {name}"
        folder.mkdir()
        FORMS[name](folder, write_record, annotate)
        return folder

    return make


def ecg(samples, leads, fs, seed):
    """Spikes once a second on noise: float64 (samples, leads)."""
    rng = np.random.default_rng(seed)
    spikes = np.exp(-0.5 * ((np.arange(samples) / fs % 1.0 - 0.5) / 0.02) ** 2)
    return spikes[:, None] * rng.uniform(0.5, 1.5, leads) + rng.normal(0, 0.02, (samples, leads))
