"""The physiology of the synthetic ECG: the waves of a beat, where the heart's dipole points in each, when beats come.

A wave is a Gaussian event of the cardiac dipole (McSharry et al. 2003; in three dimensions Sameni et al. 2007): a row
of its centre after the R peak in ms, its standard deviation in ms and its dipole x, y, z in mV. The axes are Frank's:
x to the left arm, y to the feet, z to the back. The numbers are this project's own, chosen so that the leads show the
textbook morphology of each class (Wagner, Marriott's Practical Electrocardiography; Surawicz et al. 2009, AHA/ACCF/HRS
recommendations, part III, for the conduction disturbances).
"""

import dataclasses

import numpy as np

P_SINUS = [[-16, 16, 0.020, 0.080, -0.050], [16, 19, 0.070, 0.060, 0.035]]  # right atrium first, then left
P_ECTOPIC = [[-14, 15, 0.055, -0.110, 0.030], [14, 17, -0.020, -0.100, -0.030]]  # from a focus low in the atrium

QRS_NORMAL = [
    [-24, 7, -0.20, -0.05, -0.25],  # septum: to the right and the front
    [-4, 10, 0.90, 0.75, -0.20],  # apex
    [9, 10, 0.55, 0.40, 0.75],  # free wall of the left ventricle
    [29, 8, -0.10, -0.20, 0.30],  # base
]
QRS_LBBB = [  # no septal wave; two slow humps to the left and the back: the notched plateau
    [-28, 16, 0.75, 0.15, 0.50],
    [0, 15, 0.05, 0.00, 0.45],
    [28, 19, 0.92, 0.05, 0.70],
    [60, 13, 0.15, 0.02, 0.10],
]
QRS_RBBB = [  # the left ventricle as usual, then the right one slowly, to the right and the front
    [-24, 7, -0.22, -0.05, -0.28],
    [-4, 10, 0.90, 0.75, -0.10],
    [9, 10, 0.45, 0.35, 0.60],
    [52, 17, -0.62, -0.10, -0.60],
]
QRS_PVC = [  # from the outflow tract of the right ventricle, and from the wall of the left one
    [[-38, 20, 0.35, 0.80, 0.25], [8, 27, 0.55, 1.60, 0.85], [58, 19, 0.10, 0.35, 0.30]],
    [[-38, 20, -0.40, -0.50, -0.70], [8, 27, -1.00, -1.10, -0.90], [58, 19, -0.40, -0.20, -0.05]],
]

T_NORMAL = (0.30, 0.24, -0.22)
T_LBBB = (-0.32, -0.10, -0.42)  # discordant: against the QRS
T_RBBB = (0.26, 0.22, 0.14)

# ST vectors by territory, per mV of deviation in the lead that shows it most; the leads opposite show the reciprocal.
ST_ELEVATION = {"anterior": (0.12, -0.28, -0.72), "inferior": (-0.17, 1.00, 0.28), "lateral": (0.94, -0.39, 0.17)}
ST_DEPRESSION = {"subendocardial": (-0.61, -0.47, 0.33)}

EDGE = 2.5  # standard deviations from a wave's centre to where it is seen to begin or end


@dataclasses.dataclass(frozen=True)
class Rhythm:
    """What defines a class of the synthetic ECG.

    Attributes:
        rate: Sinus rate, for AF the ventricular rate, from … to in beats per minute.
        pr: PR interval from … to in s; None without P waves.
        beat: WFDB symbol of the conducted beats: "N", "L" or "R".
        st: Territory → ST vector, per mV of deviation; None without ST deviation.
        st_level: The largest ST deviation, from … to in mV.
        ectopic: A key of ECTOPIC, "" without premature beats.
        code: Code of the rhythm, a key of record.RHYTHM_CODES.
    """

    rate: tuple[float, float] = (60, 95)
    pr: tuple[float, float] | None = (0.13, 0.18)
    beat: str = "N"
    st: dict[str, tuple] | None = None
    st_level: tuple[float, float] = (0, 0)
    ectopic: str = ""
    code: str = "N"


RHYTHMS = {
    "SNR": Rhythm(),
    "AF": Rhythm(rate=(70, 130), pr=None, code="AFIB"),
    "I-AVB": Rhythm(rate=(55, 80), pr=(0.24, 0.34)),
    "LBBB": Rhythm(beat="L"),
    "RBBB": Rhythm(beat="R"),
    "PAC": Rhythm(rate=(60, 85), ectopic="PAC"),
    "PVC": Rhythm(rate=(60, 85), ectopic="PVC"),
    "STD": Rhythm(rate=(60, 105), st=ST_DEPRESSION, st_level=(0.18, 0.35)),
    "STE": Rhythm(rate=(60, 105), st=ST_ELEVATION, st_level=(0.25, 0.45)),
    "B": Rhythm(rate=(60, 80), ectopic="bigeminy", code="B"),
    "SBR": Rhythm(rate=(38, 55), code="SBR"),
    "SVTA": Rhythm(rate=(60, 85), ectopic="runs"),
}


def draw_beats(rhythm: Rhythm, start: float, stop: float, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the beats of a rhythm.

    Args:
        rhythm: The rhythm.
        start: Of the interval to fill, in s.
        stop: Its end in s.
        rng: Random generator.

    Returns:
        Times of the R peaks in s, WFDB symbols, and codes of the rhythm at each beat, each (n,).
    """
    interval = 60 / rng.uniform(*rhythm.rate)
    if rhythm.pr is None:
        times = start + np.cumsum(draw_fibrillation_intervals(interval, int((stop - start) / 0.3), rng))
    else:
        # Premature beats draw the recording together: enough sinus beats for the fastest of them.
        times = draw_sinus_times(interval, start, stop + 2 * (stop - start) * bool(rhythm.ectopic), rng)
    symbols = np.full(len(times), rhythm.beat)
    if rhythm.ectopic:
        times, symbols = ECTOPIC[rhythm.ectopic](times, symbols, rng)
    codes = np.full(len(times), rhythm.code, dtype="<U8")
    if rhythm.ectopic == "runs":
        codes[symbols == "A"] = "SVTA"
    within = times < stop
    return times[within], symbols[within], codes[within]


def draw_sinus_times(interval, start, stop, rng):
    """Draw R peaks in s whose rate follows breathing (0.25 Hz) and blood pressure (Mayer waves, 0.1 Hz).

    ECGSYN's spectrum of two Gaussian bands, here as eight sinusoids. The sinus node's phase is the integral of its
    rate; there is a beat at each full turn.
    """
    t = np.arange(start, stop, 0.05)
    frequencies = rng.normal([0.25] * 4 + [0.1] * 4, 0.01)
    amplitudes = rng.uniform(0.01, 0.03, 2).repeat(4) / 2
    modulation = np.cos(2 * np.pi * (np.outer(t, frequencies) + rng.random(8))) @ amplitudes
    turns = np.cumsum((1 + modulation) / interval) * 0.05
    return np.interp(np.arange(rng.random(), turns[-1]) + turns[0], turns, t)


def draw_fibrillation_intervals(interval, count, rng):
    """Draw RR intervals of atrial fibrillation in s: independent, gamma distributed, at least 0.3 s."""
    variation = rng.uniform(0.20, 0.28)
    return np.maximum(rng.gamma(variation**-2, interval * variation**2, count), 0.3)


def draw_ectopic_positions(times, shortest, longest, rng):
    """Draw which beats are ectopic: one in `shortest` to `longest` beats, the first at 1.2 s, so that short recordings
    have some."""
    first = np.searchsorted(times, 1.2) + rng.integers(0, 2)
    places = first + np.cumsum(rng.integers(shortest, longest + 1, len(times))) - shortest
    return places[places < len(times) - 1]


def insert_atrial_premature_beats(times, symbols, rng):
    """Insert PACs: early, and they reset the sinus node, so that the pause after one is not compensatory."""
    intervals = np.diff(times, prepend=times[0])
    coupling = rng.uniform(0.55, 0.70)
    for place in draw_ectopic_positions(times, 2, 5, rng):
        intervals[place] *= coupling * rng.uniform(0.97, 1.03)
        intervals[place + 1] *= rng.uniform(1.02, 1.15)
        symbols[place] = "A"
    return times[0] + np.cumsum(intervals), symbols


def insert_ventricular_premature_beats(times, symbols, rng):
    """Insert PVCs: early, and without effect on the sinus node: the beat after the blocked one is on time."""
    return insert_ventricular_beats(draw_ectopic_positions(times, 3, 5, rng), times, symbols, rng)


def insert_bigeminy(times, symbols, rng):
    """Make every second beat a PVC."""
    return insert_ventricular_beats(range(1, len(times), 2), times, symbols, rng)


def insert_ventricular_beats(places, times, symbols, rng):
    """Replace the sinus beats at `places`, which are blocked, by earlier beats of the ventricle."""
    sinus = times.copy()
    coupling = rng.uniform(0.60, 0.75)
    for place in places:
        times[place] = sinus[place - 1] + (sinus[place] - sinus[place - 1]) * coupling * rng.uniform(0.98, 1.02)
        symbols[place] = "V"
    return times, symbols


def insert_supraventricular_runs(times, symbols, rng):
    """Insert runs of six to twelve atrial beats at 150 to 190 per minute between sinus beats."""
    intervals = np.diff(times, prepend=times[0])
    place = np.searchsorted(times, 1.2) + rng.integers(0, 3)
    while place < len(times) - 1:
        stop = min(place + rng.integers(6, 13), len(times) - 1)
        intervals[place:stop] = 60 / rng.uniform(150, 190) * rng.uniform(0.98, 1.02, stop - place)
        symbols[place:stop] = "A"
        place = stop + rng.integers(4, 9)
    return times[0] + np.cumsum(intervals), symbols


ECTOPIC = {
    "PAC": insert_atrial_premature_beats,
    "PVC": insert_ventricular_premature_beats,
    "bigeminy": insert_bigeminy,
    "runs": insert_supraventricular_runs,
}


@dataclasses.dataclass(frozen=True)
class Waves:
    """The waves of one kind of beat, in rows of (s after the R peak, standard deviation in s, x, y, z in mV).

    Attributes:
        activation: P wave and QRS complex, independent of the rate.
        recovery: ST segment and T wave; they stretch in time with the square root of RR (Bazett).
    """

    activation: np.ndarray
    recovery: np.ndarray


def draw_beat_waves(rhythm: Rhythm, rng) -> dict[str, Waves]:
    """Draw the waves of one subject's beats: WFDB symbol → waves with the subject's widths, amplitudes, intervals."""
    size = rng.uniform(0.85, 1.2)

    def vary(rows):
        """Vary a table of waves for a subject; the result is in s and mV."""
        rows = np.array(rows, float)
        rows[:, :2] *= rng.uniform(0.95, 1.08) / 1000
        rows[:, 2:] *= rng.uniform(0.88, 1.12, (len(rows), 1)) * size
        return rows

    t_amplitude = size * rng.uniform(0.8, 1.25)
    qt = rng.uniform(0.38, 0.42)  # at 60 beats a minute
    sinus_p, ectopic_p = vary(P_SINUS), vary(P_ECTOPIC)

    st, qrs, t_wave = np.zeros(3), QRS_NORMAL, t_amplitude * np.array(T_NORMAL)
    if rhythm.st:
        st = rng.uniform(*rhythm.st_level) * np.array(rhythm.st[rng.choice(sorted(rhythm.st))])
        t_wave = t_wave + 0.5 * st
    if rhythm.beat == "L":
        qrs, qt, t_wave = QRS_LBBB, qt + 0.05, t_amplitude * np.array(T_LBBB)
        st = 0.3 * t_wave
    elif rhythm.beat == "R":
        qrs, qt, t_wave = QRS_RBBB, qt + 0.03, t_amplitude * np.array(T_RBBB)
    qrs = centre_on_r_peak(vary(qrs))
    p = None if rhythm.pr is None else place_p_wave(sinus_p, qrs, rng.uniform(*rhythm.pr))
    kinds = {rhythm.beat: Waves(qrs if p is None else np.vstack([p, qrs]), make_recovery_waves(qrs, st, t_wave, qt))}

    if rhythm.ectopic in ("PAC", "runs"):
        early_p = place_p_wave(ectopic_p, qrs, rng.uniform(0.12, 0.14))
        kinds["A"] = Waves(np.vstack([early_p, qrs]), kinds[rhythm.beat].recovery)
    elif rhythm.ectopic:
        wide = centre_on_r_peak(vary(QRS_PVC[rng.integers(len(QRS_PVC))]))
        t_wave = -0.25 * wide[:, 2:].sum(axis=0)
        kinds["V"] = Waves(wide, make_recovery_waves(wide, 0.3 * t_wave, t_wave, qt + 0.06))
    return kinds


def centre_on_r_peak(qrs):
    """Move `qrs` in time so that the dipole is largest at 0, the R peak."""
    t = np.arange(-0.15, 0.15, 0.0005)
    dipole = np.exp(-0.5 * ((t[:, None] - qrs[:, 0]) / qrs[:, 1]) ** 2) @ qrs[:, 2:]
    return qrs - [t[np.argmax((dipole**2).sum(axis=1))], 0, 0, 0, 0]


def place_p_wave(p, qrs, pr):
    """Move the P wave in time so that it begins `pr` s before the QRS complex."""
    begins = [(wave[:, 0] - EDGE * wave[:, 1]).min() for wave in (qrs, p)]
    return p + np.array([begins[0] - begins[1] - pr, 0, 0, 0, 0])


def make_recovery_waves(qrs, st, t_wave, qt):
    """Make ST segment and T wave at 60 beats per minute, ending `qt` s after the onset of the QRS complex."""
    begin, end = (qrs[:, 0] - EDGE * qrs[:, 1]).min(), (qrs[:, 0] + EDGE * qrs[:, 1]).max()
    rise, fall = 0.045, 0.030  # the T wave climbs slowly and falls fast
    peak = begin + qt - EDGE * fall
    rows = [[peak - 0.035, rise, *(0.5 * t_wave)], [peak, fall, *(0.6 * t_wave)]]
    centres = np.linspace(end + 0.01, peak - 0.06, 4)
    spacing = centres[1] - centres[0]
    # Gaussians this close add up to a plateau of 0.7 √(2π) times their height.
    rows += [[centre, 0.7 * spacing, *(st / (0.7 * np.sqrt(2 * np.pi)))] for centre in centres]
    return np.array(rows)
