"""Synthetic 12-lead ECG from a rhythm and a seed.

    record = synthesise("LBBB", seed=3)

The model is ECGSYN (McSharry, Clifford, Tarassenko & Smith 2003, IEEE Trans Biomed Eng 50:289) in its
three-dimensional form (Sameni, Clifford, Jutten & Shamsollahi 2007, EURASIP J Adv Signal Process 43407): a point runs
round a limit cycle once a beat, Gaussian events at fixed angles move the heart's dipole, a matrix projects the dipole
to the leads. On the cycle the angle is known, 2π(t − R)/RR, and the dipole's equation is linear in the events, so no
integration is needed: in time an event is again a Gaussian, and the dipole is their sum over all beats. Deviations: the
slow return to the baseline is left out, because the events end by themselves; a wave's position is given in s from the
R peak, as in physiology (PR, QRS), and only ST and T follow the rate.

The f waves of atrial fibrillation are the sawtooth with modulated rate and size of Stridh & Sörnmo 2001 (IEEE Trans
Biomed Eng 48:105). The classes themselves are in synthetic_rhythms.py.
"""

import dataclasses

import numpy as np

from ecg_edge.records.record import STANDARD_LEADS, Beats, Record, RhythmInterval
from ecg_edge.records.synthetic_rhythms import RHYTHMS, draw_beat_waves, draw_beats
from firmware_bench.runtime.errors import InputError, unknown_name

# Frank's x, y, z to I, II, V1 … V6: Dower, Machado & Osborne 1980, Clin Cardiol 3:87.
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
# I and II to I, II, III, aVR, aVL, aVF: Einthoven's and Goldberger's identities hold in every sample.
LIMB = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])
# Electrodes RA, LA, LL, V1 … V6 to I, II, V1 … V6; the chest leads against Wilson's central terminal.
ELECTRODES = np.block(
    [
        [np.array([[-1.0, 1, 0], [-1, 0, 1]]), np.zeros((2, 6))],
        [np.full((6, 3), -1 / 3), np.eye(6)],
    ]
)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Noise of each electrode, root mean square in mV.

    Attributes:
        wander: Baseline wander by breathing and movement, 0.15–0.5 Hz.
        muscle: Muscle noise, 20–150 Hz.
        mains: Mains interference.
        mains_frequency: In Hz.
    """

    wander: float = 0.04
    muscle: float = 0.01
    mains: float = 0.005
    mains_frequency: float = 50.0


NOISE = Noise()


def synthesise(
    rhythm: str,
    seed: int,
    seconds: float = 10.0,
    fs: float = 500.0,
    leads: tuple[str, ...] = STANDARD_LEADS,
    noise: Noise = NOISE,
) -> Record:
    """Generate a recording; the same arguments give the same recording.

    Args:
        rhythm: A key of synthetic_rhythms.RHYTHMS.
        seed: Chooses the subject and the beats, at least 0.
        seconds: Duration in s.
        fs: Sampling rate in Hz.
        leads: Names of standard leads.
        noise: Noise of the electrodes.

    Returns:
        The recording: signal float32 (samples, leads) in mV, beats with WFDB symbols at their R peaks, rhythm
        intervals.

    Raises:
        InputError: Unknown rhythm or lead, or a duration, rate or seed that is out of range.
    """
    if rhythm not in RHYTHMS:
        raise unknown_name("synthetic rhythm", rhythm, RHYTHMS)
    for lead in leads:
        if lead not in STANDARD_LEADS:
            raise unknown_name("lead", lead, STANDARD_LEADS)
    samples = round(seconds * fs)
    if fs <= 0 or samples < 1:
        raise InputError(f"a synthetic ECG of {seconds:g} s at {fs:g} Hz has no samples: both must be positive")

    if seed < 0:
        raise InputError(f"the seed of a synthetic ECG must be 0 or more, not {seed}")
    rng = np.random.default_rng([seed, *rhythm.encode()])
    kinds = draw_beat_waves(RHYTHMS[rhythm], rng)
    times, symbols, codes = draw_beats(RHYTHMS[rhythm], -1.5, seconds + 1.5, rng)
    dipole = sum_gaussian_events(place_waves(kinds, times, symbols, rng), samples, fs)
    dipole += generate_respiration(samples, fs, rng)[:, None] * dipole
    if RHYTHMS[rhythm].pr is None:
        dipole += generate_f_waves(samples, fs, rng)
    independent = dipole @ (DOWER @ draw_axis_rotation(rng)).T
    # Last, so that a seed is the same heart at every level of noise.
    independent += generate_electrode_noise(noise, samples, fs, rng) @ ELECTRODES.T
    signal = np.hstack([independent[:, :2] @ LIMB.T, independent[:, 2:]])  # (samples, 12)

    return Record(
        name=f"{rhythm}-{seed}",
        patient=f"{rhythm}-{seed}",
        signal=signal[:, [STANDARD_LEADS.index(lead) for lead in leads]].astype(np.float32),
        fs=fs,
        leads=tuple(leads),
        labels=(rhythm,),
        beats=select_beats(times, symbols, samples, fs),
        rhythms=find_rhythm_intervals(times, codes, samples, fs),
    )


def place_waves(kinds, times, symbols, rng) -> np.ndarray:
    """Place the waves of all beats in time.

    Args:
        kinds: WFDB symbol → Waves of such a beat.
        times: R peaks in s, (beats,).
        symbols: WFDB symbols of the beats, (beats,).
        rng: Random generator.

    Returns:
        Rows of (time in s, standard deviation in s, x, y, z in mV): float64 (waves, 5).
    """
    intervals = np.diff(times, prepend=2 * times[0] - times[1])
    # QT follows the rate slowly: half the last interval, half the mean.
    stretch = np.sqrt(np.sqrt(intervals * intervals.mean()))
    sizes = rng.uniform(0.97, 1.03, len(times))
    rows = []
    for time, symbol, root, size in zip(times, symbols, stretch, sizes, strict=True):
        waves = kinds[symbol]
        rows.append(waves.activation * [1, 1, size, size, size] + [time, 0, 0, 0, 0])
        rows.append(waves.recovery * [root, root, size, size, size] + [time, 0, 0, 0, 0])
    return np.vstack(rows)


def sum_gaussian_events(rows, samples, fs) -> np.ndarray:
    """Sum Gaussian events, each over five standard deviations of the widest: dipole (samples, 3) in mV."""
    time, deviation, vector = rows[:, :1], rows[:, 1:2], rows[:, 2:]
    reach = int(5 * deviation.max() * fs) + 1
    index = np.round(time * fs).astype(int) + np.arange(-reach, reach + 1)  # (events, 2 reach + 1)
    shape = np.exp(-0.5 * ((index / fs - time) / deviation) ** 2)
    shape[(index < 0) | (index >= samples)] = 0
    index = index.clip(0, samples - 1).ravel()
    return np.stack([np.bincount(index, (shape * axis[:, None]).ravel(), samples) for axis in vector.T], axis=1)


def generate_respiration(samples, fs, rng):
    """Generate the relative change of the dipole's size with breathing at about 0.25 Hz: (samples,)."""
    return 0.03 * np.sin(2 * np.pi * (rng.normal(0.25, 0.01) * np.arange(samples) / fs + rng.random()))


def generate_f_waves(samples, fs, rng) -> np.ndarray:
    """Generate f waves: a sawtooth of 5–8 Hz with modulated rate and size, largest in V1: dipole (samples, 3) in mV."""
    t = np.arange(samples) / fs
    rate, modulation, swing = rng.uniform(5, 8), rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.4)
    phase = 2 * np.pi * rate * t + swing / modulation * np.sin(2 * np.pi * modulation * t + 2 * np.pi * rng.random())
    size = 1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * t + 2 * np.pi * rng.random())
    direction = np.array([-0.05, 0.05, -0.06]) * rng.uniform(0.8, 1.4)
    delays = rng.uniform(-0.6, 0.6, 3)  # rad: the wave front turns
    sawtooth = sum(np.sin(k * (phase[:, None] + delays)) / k for k in (1, 2, 3))
    return size[:, None] * sawtooth * direction


def draw_axis_rotation(rng) -> np.ndarray:
    """Draw a subject's heart axis: rotation matrix (3, 3), up to 20° in the frontal plane and 8° in the others."""
    rotation = np.eye(3)
    for (i, j), limit in zip(((0, 1), (0, 2), (1, 2)), (20, 8, 8), strict=True):
        angle = np.radians(rng.uniform(-limit, limit))
        turn = np.eye(3)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        rotation = rotation @ turn
    return rotation


def generate_electrode_noise(noise: Noise, samples, fs, rng) -> np.ndarray:
    """Generate the noise of the nine electrodes RA, LA, LL, V1 … V6: (samples, 9) in mV."""
    t = np.arange(samples)[:, None] / fs
    total = np.zeros((samples, 9))
    if noise.wander:
        for frequency in rng.uniform(0.15, 0.5, 3):
            phases = 2 * np.pi * rng.random(9)
            total += noise.wander * np.sqrt(2 / 3) * np.sin(2 * np.pi * frequency * t + phases)
    if noise.muscle:
        total += noise.muscle * generate_band_noise(20, 150, samples, fs, rng)
    if noise.mains and noise.mains_frequency < fs / 2:
        sizes = noise.mains * np.sqrt(2) * rng.normal(size=9)
        total += sizes * np.sin(2 * np.pi * (noise.mains_frequency * t + rng.random()))
    return total


def generate_band_noise(low, high, samples, fs, rng) -> np.ndarray:
    """Generate Gaussian noise of unit power from `low` to `high` Hz: (samples, 9); no power above fs / 2."""
    frequencies = np.fft.rfftfreq(samples, 1 / fs)
    band = np.flatnonzero((frequencies >= low) & (frequencies <= high))
    spectrum = np.zeros((9, len(frequencies)), complex)
    spectrum[:, band] = rng.normal(size=(9, len(band))) + 1j * rng.normal(size=(9, len(band)))
    within = max(0.0, min(high, fs / 2) - low) / (high - low)
    scale = samples / 2 * np.sqrt(within / max(len(band), 1))
    return np.fft.irfft(spectrum * scale, samples).T


def select_beats(times, symbols, samples, fs) -> Beats:
    """Select the beats whose R peak is inside the recording."""
    peaks = np.round(times * fs).astype(np.int64)
    inside = (peaks >= 0) & (peaks < samples)
    return Beats(peaks[inside], symbols[inside])


def find_rhythm_intervals(times, codes, samples, fs) -> tuple[RhythmInterval, ...]:
    """Find the intervals of equal rhythm; one begins with its first beat, the recording's first at sample 0."""
    changes = 1 + np.flatnonzero(codes[1:] != codes[:-1])
    starts = [0, *np.round(times[changes] * fs).astype(int).clip(0, samples)]
    stops = [*starts[1:], samples]
    rhythms = codes[[0, *changes]]
    parts = zip(starts, stops, rhythms, strict=True)
    return tuple(RhythmInterval(int(start), int(stop), str(code)) for start, stop, code in parts if start < stop)
