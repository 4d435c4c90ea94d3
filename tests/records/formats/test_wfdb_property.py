"""Records of every kind, written by hand, give the physical values that their headers define."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from wfdb_files import RANGES, Signal, write_record

from ecg_edge.records.formats.wfdb_format import read_wfdb

FLAC = (508, 516, 524)
GAINS = st.one_of(st.sampled_from([200.0, 1000.0, 1.0, 0.2, 58356.07434270172]), st.floats(1e-3, 1e6))


@st.composite
def segments(draw):
    """A list of segments, each a list of (format, signals), with the same names and samples per frame."""
    count = draw(st.integers(1, 3))
    files = draw(st.lists(st.lists(st.sampled_from([1, 1, 2, 4]), min_size=1, max_size=3), min_size=1, max_size=3))
    parts = []
    for _ in range(count):
        frames, part, lead = draw(st.integers(1, 40)), [], 0
        for per_frames in files:
            formats = [form for form in RANGES if form not in FLAC or len(set(per_frames)) == 1]
            form, signals = draw(st.sampled_from(formats)), []
            for per_frame in per_frames:
                seed = draw(st.integers(0, 2**32 - 1))
                digital = make_samples(form, frames * per_frame, np.random.default_rng(seed))
                baseline = draw(st.integers(-(2**20), 2**20))
                units = draw(st.sampled_from(["mV", "uV", "µV", "μV", "nV", "V"]))
                skew = draw(st.sampled_from([0, 0, 1, 7]))
                signals.append(Signal(f"L{lead}", digital, draw(GAINS), baseline, units, per_frame, skew))
                lead += 1
            part.append((form, signals))
        parts.append(part)
    return parts


def make_samples(form, samples, rng):
    """Integers of a format's range, its extremes and its mark of invalid samples among them."""
    low, high = RANGES[form]
    if form == 8:
        return rng.integers(-100, 101) + np.cumsum(rng.integers(-127, 128, samples))
    digital = rng.integers(low, high, samples, endpoint=True)
    digital[rng.random(samples) < 0.1] = low
    digital[rng.random(samples) < 0.05] = high
    return digital


def read_written(folder, parts):
    """Write segments and read them: the record, and the values by lead that it has to have."""
    names = [write_record(folder, f"r_{number}", part).name for number, part in enumerate(parts)]
    stem = folder / names[0]
    frames = [len(part[0][1][0].digital) // part[0][1][0].per_frame for part in parts]
    if len(parts) > 1:
        signals = sum(len(signals) for _, signals in parts[0])
        lines = [f"r/{len(parts)} {signals} 250 {sum(frames)}", *map("{} {}".format, names, frames)]
        (folder / "r.hea").write_text("\n".join(lines) + "\n")
        stem = folder / "r"
    highest = max(signal.per_frame for _, signals in parts[0] for signal in signals)
    expected = {}
    for part in parts:
        for form, signals in part:
            for signal in signals:
                if signal.per_frame == highest:
                    expected.setdefault(signal.name, []).append(signal.physical(form))
    return read_wfdb(stem), {name: np.concatenate(values) for name, values in expected.items()}, highest


@settings(max_examples=150, deadline=None)
@given(segments())
def test_physical_values_of_any_record(parts):
    with tempfile.TemporaryDirectory() as folder:
        record, expected, highest = read_written(Path(folder), parts)
    assert record.fs == 250.0 * highest
    assert record.leads == tuple(expected)
    for column, (name, values) in enumerate(expected.items()):
        np.testing.assert_allclose(record.signal[:, column], values, rtol=2e-7, atol=1e-30, err_msg=name)
