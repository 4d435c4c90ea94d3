"""The synthetic ECG, measured: intervals, widths and levels come from the leads, not from the generator's tables."""

import functools
import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest

from ecg_edge.records.databases.synthetic import CLASSES, SYNTHETIC
from ecg_edge.records.record import STANDARD_LEADS
from ecg_edge.records.synthetic_ecg import DOWER, Noise, synthesise
from ecg_edge.records.synthetic_rhythms import RHYTHMS
from firmware_bench.runtime.errors import InputError

SEEDS = range(12)
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]  # I, II, V1 … V6
FS = 500
NO_NOISE = Noise(wander=0, muscle=0, mains=0)
R = 225  # the R peak's sample in a mean beat: 0.45 s before, 0.40 s after


@functools.cache
def clean(rhythm, seed):
    return synthesise(rhythm, seed, seconds=20, noise=NO_NOISE)


def peaks(record, symbol):
    return record.beats.samples[record.beats.symbols == symbol]


def mean_beat(record, symbol):
    """Mean over the beats of one kind: (425, 12)."""
    places = peaks(record, symbol)
    places = places[(places >= R) & (places + 200 <= len(record.signal))]
    return np.mean([record.signal[place - R : place + 200] for place in places], axis=0, dtype=float)


def qrs(beat):
    """First and last sample where the leads together move faster than 10 mV/s, pauses up to 20 ms included."""
    speed = np.linalg.norm(np.diff(beat[:, INDEPENDENT], axis=0), axis=1) * FS
    fast = np.flatnonzero(speed > 10)
    stretches = np.split(fast, 1 + np.flatnonzero(np.diff(fast) > 10))
    around_r = min(stretches, key=lambda stretch: np.abs(stretch - R).min())
    return around_r[0], around_r[-1]


def qrs_ms(beat):
    first, last = qrs(beat)
    return (last - first) * 1000 / FS


def pr_ms(beat):
    """From the P wave's foot to the QRS complex: back from the complex over the peak, to a tenth of the peak."""
    size = np.linalg.norm(beat[:, INDEPENDENT], axis=1)
    begin = qrs(beat)[0]
    isoelectric = begin - 6 - np.argmax(np.diff(size[begin - 6 :: -1]) > 0)
    peak = isoelectric - np.argmax(np.diff(size[isoelectric::-1]) < -1e-6)
    while size[peak - 1] >= size[peak] or size[peak - 8] >= size[peak]:  # the two atria make two humps
        peak -= 1
    foot = peak - np.argmax(size[peak::-1] < 0.1 * size[peak])
    return (begin - foot) * 1000 / FS


def st_levels(beat):
    """Each lead 60 ms after the QRS complex, against the PR segment, in mV."""
    first, last = qrs(beat)
    return dict(zip(STANDARD_LEADS, beat[last + 30] - beat[first - 5], strict=True))


def rr(record):
    return np.diff(record.beats.samples) / record.fs


@pytest.mark.parametrize("rhythm", CLASSES)
def test_intervals_and_widths(rhythm):
    symbol = {"LBBB": "L", "RBBB": "R"}.get(rhythm, "N")
    for seed in SEEDS:
        beat = mean_beat(clean(rhythm, seed), symbol)
        if symbol == "N":
            assert 70 <= qrs_ms(beat) <= 110
        else:
            assert 120 <= qrs_ms(beat) <= 180
        if rhythm != "AF":
            shortest, longest = (215, 360) if rhythm == "I-AVB" else (115, 200)
            assert shortest <= pr_ms(beat) <= longest


@pytest.mark.parametrize(
    ("rhythm", "slowest", "fastest"),
    [("SNR", 58, 98), ("AF", 60, 140), ("I-AVB", 53, 82), ("STE", 58, 108), ("PVC", 55, 98), ("SBR", 36, 57)],
)
def test_heart_rates(rhythm, slowest, fastest):
    rates = [60 / rr(clean(rhythm, seed)).mean() for seed in SEEDS]
    assert slowest <= min(rates) and max(rates) <= fastest
    assert max(rates) - min(rates) > 5


def test_rr_intervals_are_irregular_in_af_only():
    for seed in SEEDS:
        sinus, af = rr(clean("SNR", seed)), rr(clean("AF", seed))
        assert 0.005 < sinus.std() / sinus.mean() < 0.08
        assert af.std() / af.mean() > 0.12
        assert af.min() >= 0.29


def test_sinus_rate_follows_breathing_and_blood_pressure():
    record = synthesise("SNR", 5, seconds=300, fs=100, leads=("II",), noise=NO_NOISE)
    times = record.beats.samples / record.fs
    even = np.arange(times[1], times[-1], 0.25)
    tachogram = np.interp(even, times[1:], np.diff(times))
    power = np.abs(np.fft.rfft((tachogram - tachogram.mean()) * np.hanning(len(even)))) ** 2
    frequencies = np.fft.rfftfreq(len(even), 0.25)
    respiratory = power[(frequencies > 0.2) & (frequencies < 0.3)].sum() / power.sum()
    mayer = power[(frequencies > 0.06) & (frequencies < 0.14)].sum() / power.sum()
    assert respiratory > 0.1 and mayer > 0.1 and respiratory + mayer > 0.85


def test_af_has_f_waves_and_no_p_waves():
    for seed in SEEDS:
        rest, p_wave = {}, {}
        for rhythm in ("SNR", "AF"):
            record = synthesise(rhythm, seed, seconds=240, fs=100, leads=("V1", "II"), noise=NO_NOISE)
            v1, ii = record.signal.T.astype(float)
            places = record.beats.samples
            # 400 ms after an R peak to 220 ms before the next sinus rhythm is at rest.
            pairs = list(itertools.pairwise(places))
            rest[rhythm] = v1[np.concatenate([np.arange(a + 40, b - 22) for a, b in pairs])].std()
            # Mean of 200 to 60 ms before the R peak: what is not tied to the beat vanishes.
            late = [b for a, b in pairs if b - a > 60]
            p_wave[rhythm] = np.ptp(np.mean([ii[place - 20 : place - 6] for place in late], axis=0))
        assert rest["SNR"] < 0.005 < 0.03 < rest["AF"]
        assert p_wave["AF"] < 0.3 * p_wave["SNR"] and p_wave["SNR"] > 0.06

        power = 0  # of V1 in AF between T wave and QRS complex
        for stretch in (v1[a + 40 : b - 6] for a, b in pairs if b - a >= 76):
            power = power + np.abs(np.fft.rfft((stretch - stretch.mean()) * np.hanning(len(stretch)), 400)) ** 2
        assert 4 <= np.argmax(power) / 4 <= 9


def test_lbbb_shapes():
    for seed in SEEDS:
        beat = mean_beat(clean("LBBB", seed), "L")
        first, last = qrs(beat)
        complexes = dict(zip(STANDARD_LEADS, beat[first:last].T, strict=True))
        t_waves = dict(zip(STANDARD_LEADS, beat[last + 50 : last + 130].T, strict=True))
        for lead in ("I", "aVL", "V5", "V6"):
            assert complexes[lead].max() > 3 * -complexes[lead].min()  # a broad R and next to no Q or S
        for lead in ("I", "V5", "V6"):
            assert t_waves[lead].mean() < 0  # discordant
        v6 = complexes["V6"]
        assert humps(v6, 0.05) >= 2  # the notch
        assert complexes["V1"].min() < -0.5 and complexes["V1"].max() < 0.2  # QS or rS
        assert t_waves["V1"].mean() > 0


def test_rbbb_shapes():
    for seed in SEEDS:
        beat = mean_beat(clean("RBBB", seed), "R")
        first, last = qrs(beat)
        v1 = beat[first:last, 6]
        s_wave = v1.argmin()
        r, r_prime = v1[:s_wave].max(), v1[s_wave:].max()
        assert 0.05 < r < r_prime
        assert v1[s_wave] < r - 0.2
        for lead in (0, 11):  # I and V6 end in a broad S
            end = beat[R:last, lead]
            assert end.min() < -0.1
            assert (end < 0.3 * end.min()).sum() > 0.035 * FS


def humps(wave, prominence):
    from scipy.signal import find_peaks

    return len(find_peaks(wave, prominence=prominence)[0])


def test_atrial_premature_beats():
    for seed in SEEDS:
        record = clean("PAC", seed)
        intervals, usual = rr(record), np.median(rr(record))
        premature = np.flatnonzero(record.beats.symbols == "A")
        premature = premature[(premature > 0) & (premature < len(intervals))]
        assert len(premature) >= 2
        assert (intervals[premature - 1] < 0.8 * usual).all()
        assert (intervals[premature - 1] + intervals[premature] < 1.95 * usual).all()  # no full compensation

        normal, early = mean_beat(record, "N"), mean_beat(record, "A")
        complexes = [beat[R - 25 : R + 25, 1] for beat in (normal, early)]
        assert np.corrcoef(*complexes)[0, 1] > 0.98  # conducted as usual
        p_waves = [beat[R - 85 : R - 40, 1] - beat[R - 25, 1] for beat in (normal, early)]
        assert p_waves[0].max() > 0.05 and p_waves[1].min() < -0.05  # from a focus low in the atrium


@pytest.mark.parametrize("rhythm", ["PVC", "B"])
def test_ventricular_premature_beats(rhythm):
    for seed in SEEDS:
        record = clean(rhythm, seed)
        places, symbols = record.beats.samples, record.beats.symbols
        ventricular = np.flatnonzero(symbols == "V")
        ventricular = ventricular[(ventricular > 1) & (ventricular < len(symbols) - 2)]
        assert len(ventricular) >= 2
        for beat in ventricular:
            before, after = np.diff(places[beat - 1 : beat + 2]) / FS
            assert before < 0.82 * after
            if rhythm == "PVC":
                sinus = np.diff(places[beat - 2 : beat]).item() / FS
                assert before + after == pytest.approx(2 * sinus, rel=0.12)  # the full compensatory pause

        normal, wide = mean_beat(record, "N"), mean_beat(record, "V")
        assert qrs_ms(wide) > 130
        assert humps(normal[R - 100 : R - 30, 1], 0.04) >= 1 and humps(wide[R - 100 : R - 40, 1], 0.04) == 0  # no P
        last = qrs(wide)[1]
        main = np.abs(wide[R]).argmax()
        assert wide[R, main] * wide[last + 20 : last + 60, main].mean() < 0  # discordant ST and T


def test_st_depression():
    for seed in SEEDS:
        levels = st_levels(mean_beat(clean("STD", seed), "N"))
        depressed = {lead for lead, level in levels.items() if level <= -0.1}
        assert depressed >= {"V4", "V5"} or depressed >= {"II", "aVF"} or depressed >= {"V3", "V4"}
        assert levels["aVR"] > 0.03
        assert max(levels.values()) < 0.2


def test_st_elevation_in_neighbouring_leads_with_reciprocal_depression():
    territories = [{"V2", "V3"}, {"II", "aVF"}, {"III", "aVF"}, {"I", "aVL"}, {"V5", "V6"}]
    for seed in SEEDS:
        levels = st_levels(mean_beat(clean("STE", seed), "N"))
        elevated = {lead for lead, level in levels.items() if level >= 0.1}
        assert any(territory <= elevated for territory in territories)
        assert min(levels.values()) < -0.03
        assert max(levels.values()) > 0.2


@pytest.mark.parametrize("rhythm", ["SNR", "AF", "I-AVB", "PAC"])
def test_st_segment_is_level_elsewhere(rhythm):
    for seed in SEEDS:
        levels = st_levels(mean_beat(clean(rhythm, seed), "N"))
        assert max(map(abs, levels.values())) < (0.15 if rhythm == "AF" else 0.1)  # f waves do not quite average out


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_beats_are_annotated_at_the_r_peak(rhythm):
    for seed in SEEDS:
        record = clean(rhythm, seed)
        dipole = record.signal[:, INDEPENDENT] @ np.linalg.pinv(DOWER).T
        size = np.linalg.norm(dipole, axis=1)
        for place, symbol in zip(record.beats.samples, record.beats.symbols, strict=True):
            if 40 <= place < len(size) - 40:
                off = size[place - 40 : place + 41].argmax() - 40
                assert abs(off) <= (2 if symbol in "NA" else 6), (seed, place, symbol)


def test_bigeminy_bradycardia_and_supraventricular_runs():
    for seed in SEEDS:
        symbols = clean("B", seed).beats.symbols
        assert set(symbols[::2]) | set(symbols[1::2]) == {"N", "V"} and (symbols[1:] != symbols[:-1]).all()

        record = clean("SVTA", seed)
        runs = [interval for interval in record.rhythms if interval.rhythm == "SVTA"]
        assert runs and {"N"} < {interval.rhythm for interval in record.rhythms}
        for run in runs:
            inside = (record.beats.samples >= run.start) & (record.beats.samples < run.stop)
            assert set(record.beats.symbols[inside]) == {"A"}
            if run.stop < len(record.signal):
                assert inside.sum() >= 6
                assert 140 < 60 / np.diff(record.beats.samples[inside]).mean() * FS < 200


def test_rhythm_intervals_cover_the_recording():
    codes = {"AF": {"AFIB"}, "B": {"B"}, "SBR": {"SBR"}, "SVTA": {"N", "SVTA"}}
    for rhythm in RHYTHMS:
        record = clean(rhythm, 1)
        edges = [(interval.start, interval.stop) for interval in record.rhythms]
        assert edges[0][0] == 0 and edges[-1][1] == len(record.signal)
        assert all(this[1] == following[0] for this, following in itertools.pairwise(edges))
        assert {interval.rhythm for interval in record.rhythms} == codes.get(rhythm, {"N"})


@pytest.mark.parametrize("noise", [NO_NOISE, Noise()])
def test_einthoven_and_goldberger(noise):
    for rhythm in RHYTHMS:
        signal = synthesise(rhythm, 3, noise=noise).signal.astype(float)
        i, ii, iii, avr, avl, avf = signal.T[:6]
        for left, right in [(ii, i + iii), (avr, -(i + ii) / 2), (avl, i - ii / 2), (avf, ii - i / 2)]:
            np.testing.assert_allclose(left, right, atol=1e-6)


def test_amplitudes_are_a_surface_ecgs():
    for rhythm in RHYTHMS:
        for seed in SEEDS:
            ranges = np.ptp(clean(rhythm, seed).signal, axis=0)
            assert ranges.min() > 0.1 and 0.8 < ranges.max() < 5, (rhythm, seed)


def test_noise_has_its_band_and_level():
    for kind, low, high in [("wander", 0.1, 0.55), ("muscle", 20, 150), ("mains", 59.5, 60.5)]:
        levels = {"wander": 0, "muscle": 0, "mains": 0, kind: 0.1}
        noisy = synthesise("SNR", 2, seconds=60, noise=Noise(**levels, mains_frequency=60))
        added = (noisy.signal - synthesise("SNR", 2, seconds=60, noise=NO_NOISE).signal).astype(float)
        power = (np.abs(np.fft.rfft(added * np.hanning(len(added))[:, None], axis=0)) ** 2).sum(axis=1)
        frequencies = np.fft.rfftfreq(len(added), 1 / FS)
        assert power[(frequencies >= low) & (frequencies <= high)].sum() > 0.99 * power.sum()
        # A limb lead is the difference of two electrodes.
        assert 0.04 < added[:, :2].std() / np.sqrt(2) < 0.25


def test_same_seed_same_recording_in_another_process():
    def digest():
        return hashlib.sha256(synthesise("PVC", 7).signal.tobytes()).hexdigest()

    program = "import hashlib; from ecg_edge.records.synthetic_ecg import synthesise; "
    program += "print(hashlib.sha256(synthesise('PVC', 7).signal.tobytes()).hexdigest())"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert digest() == digest() == printed.strip()
    assert not np.array_equal(synthesise("PVC", 7).signal, synthesise("PVC", 8).signal)
    assert not np.array_equal(synthesise("SNR", 7).signal, synthesise("STD", 7).signal)


def test_rate_duration_and_leads_are_those_requested():
    record = synthesise("SNR", 4, seconds=3.5, fs=128, leads=("V2", "II"), noise=NO_NOISE)
    whole = synthesise("SNR", 4, seconds=3.5, fs=128, noise=NO_NOISE)
    assert record.signal.shape == (448, 2) and record.signal.dtype == np.float32
    assert (record.fs, record.leads, record.labels, record.units) == (128, ("V2", "II"), ("SNR",), "mV")
    np.testing.assert_array_equal(record.signal, whole.select_leads(("V2", "II")))
    assert record.beats.samples.dtype == np.int64 and record.beats.samples.max() < 448


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rhythm": "LBB"}, "LBBB"),
        ({"leads": ("aVF", "VV")}, "VV"),
        ({"seconds": 0}, "no samples"),
        ({"fs": -500}, "no samples"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        synthesise(**{"rhythm": "SNR", "seed": 0, **arguments})


def test_database():
    entries = SYNTHETIC.index(None)
    assert len(entries) == len({entry.name for entry in entries}) == 360
    assert all(sum(entry.labels == (name,) for entry in entries) == 40 for name in CLASSES)
    assert SYNTHETIC.classes == ("SNR", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")
    entry = entries[-1]
    record = SYNTHETIC.read(None, entry)
    assert (record.name, record.patient, record.labels) == ("S0360", "S0360", ("STE",))
    assert (entry.name, entry.patient, entry.labels) == ("S0360", "S0360", ("STE",))
    assert record.signal.shape == (5000, 12) and record.leads == STANDARD_LEADS
    np.testing.assert_array_equal(record.signal, SYNTHETIC.read(None, entry).signal)


def features(record):
    """What a simple classifier sees: the mean beat at 50 Hz, the most different beat's distance, the RR intervals."""
    signal = record.signal[:, INDEPENDENT].astype(float)
    signal -= np.median(signal, axis=0)
    speed = np.convolve(np.linalg.norm(np.diff(signal, axis=0), axis=1), np.ones(10) / 10, "same")
    beats = []
    while not beats or speed.max() > 0.35 * beats[0][1]:
        place = speed.argmax()
        beats.append((place, speed[place]))
        speed[max(0, place - 30) : place + 30] = 0
    places = np.sort([place for place, _ in beats])
    shapes = [signal[p - 35 : p + 40 : 2] for p in places if 35 <= p < len(signal) - 40]
    mean = np.median(shapes, axis=0)
    distances = [np.abs(shape - mean).mean() for shape in shapes]
    intervals = np.diff(places) / np.median(np.diff(places))
    rhythm = [intervals.std(), intervals.min(), intervals.max(), np.abs(np.diff(intervals)).mean(), np.ptp(places)]
    return np.concatenate([mean.ravel(), rhythm, [max(distances), np.median(distances)]])


@pytest.mark.slow
def test_a_simple_classifier_tells_the_nine_classes_apart():
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import f1_score
    from sklearn.model_selection import cross_val_predict

    labels = np.repeat(CLASSES, 30)
    inputs = [features(synthesise(label, seed, fs=100)) for label in CLASSES for seed in range(30)]
    predicted = cross_val_predict(ExtraTreesClassifier(200, random_state=0), inputs, labels, cv=5)
    scores = f1_score(labels, predicted, average=None, labels=list(CLASSES))
    assert scores.mean() > 0.85 and scores.min() > 0.6, dict(zip(CLASSES, scores.round(2), strict=True))
