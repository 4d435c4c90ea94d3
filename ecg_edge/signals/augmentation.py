"""Augmentation of training windows: changes that leave the label of an ECG as it is, drawn anew in every epoch.

Windows are augmented after preprocessing, so amplitudes are relative to the window's own: a signal-to-noise ratio is
that of the powers of a lead's samples and of the noise within the window. Steps of each window (a z-score) are applied
once more afterwards. Samples beyond a recording's ends stay zero.

Gain, time stretch and noise as in Weimann & Conrad, "Transfer learning for ECG classification", Sci. Rep. 11, 2021;
mixup as in Zhang et al., arXiv 1710.09412. The noise is that of the Noise Stress Test Database, the first half of each
recording, so that a model can be tested under the second: bw (baseline wander), em (electrode motion), ma (muscle).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ecg_edge.records.databases.catalogue import locate
from ecg_edge.records.formats.format_registry import read_record
from ecg_edge.signals.preprocessing import Preprocessing
from firmware_bench.runtime.errors import InputError

NOISE_RECORDS = ("bw", "em", "ma")  # of nstdb


@dataclasses.dataclass(frozen=True)
class AugmentationConfig:
    """How training windows are changed. By default not at all.

    Attributes:
        crop: whether each window's start is drawn within half a stride of its place.
        gain: a window is multiplied by a factor from exp(-gain) to exp(gain), evenly on that scale.
        stretch: a window is played faster or slower by at most this share.
        noise: share of the windows that get noise, from 0 to 1. Needs the database nstdb.
        lowest_snr_db, highest_snr_db: of those, dB.
        lead_drop: share of the leads that are set to zero, from 0 to 1; one of a window always stays.
        mixup: α of the Beta(α, α) distribution by whose draws pairs of examples are mixed; 0: none are.
    """

    crop: bool = False
    gain: float = 0.0
    stretch: float = 0.0
    noise: float = 0.0
    lowest_snr_db: float = 6.0
    highest_snr_db: float = 24.0
    lead_drop: float = 0.0
    mixup: float = 0.0

    def check(self) -> None:
        """Raise InputError where a value is out of range."""
        for name, highest in {"gain": 3.0, "stretch": 0.5, "noise": 1.0, "lead_drop": 1.0, "mixup": 100.0}.items():
            if not 0 <= getattr(self, name) <= highest:
                raise InputError(f"augmentation.{name} must be from 0 to {highest:g}, not {getattr(self, name)}")
        if not -60 <= self.lowest_snr_db <= self.highest_snr_db <= 60:
            raise InputError(
                "augmentation.lowest_snr_db and highest_snr_db must be from -60 to 60 dB, in this order, not "
                f"{self.lowest_snr_db} and {self.highest_snr_db}"
            )


class Augmentation:
    """Augments windows by `config`.

    Args:
        config: what to change.
        noise: (samples, leads) float32 at the windows' rate, each lead with its own noise; as `load_noise` returns it.
            Needed where `config.noise` is above 0.
        window_steps: preprocessing of each window by itself, applied again afterwards.
        fs: sampling rate of the windows, Hz.
    """

    def __init__(
        self,
        config: AugmentationConfig,
        noise: Sequence[np.ndarray] = (),
        window_steps: Sequence[dict] = (),
        fs: float = 1.0,
    ):
        self.config, self._noise, self._fs = config, noise, fs
        self._window_steps = Preprocessing(window_steps) if window_steps else None

    @property
    def changes_windows(self) -> bool:
        """Whether a window is changed at all, besides its start."""
        config = self.config
        return bool(config.gain or config.stretch or config.noise or config.lead_drop)

    def augment(self, windows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Augment windows, float32 (n, samples, leads); the result is a new array of the same shape."""
        config = self.config
        if not self.changes_windows:
            return windows
        if config.stretch:
            windows = _stretch(windows, random.uniform(1 - config.stretch, 1 + config.stretch, len(windows)))
        if config.noise:
            windows = self._add_noise(windows, random)
        if config.lead_drop:
            windows = _drop_leads(windows, random.random((len(windows), windows.shape[2])), config.lead_drop)
        if config.gain:
            factors = np.exp(random.uniform(-config.gain, config.gain, len(windows)))
            windows = windows * factors[:, None, None].astype(np.float32)
        if self._window_steps:
            windows = np.stack([self._window_steps(window, self._fs)[0] for window in windows]).astype(np.float32)
        return windows

    def _add_noise(self, windows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        noisy = windows.copy()
        count, samples, leads = windows.shape
        for number in np.flatnonzero(random.random(count) < self.config.noise):
            snr_db = random.uniform(self.config.lowest_snr_db, self.config.highest_snr_db)
            source = self._noise[int(random.integers(len(self._noise)))]
            for lead in range(leads):
                start = random.integers(max(len(source) - samples, 0) + 1)
                piece = np.resize(source[start : start + samples, random.integers(source.shape[1])], samples)
                noisy[number, :, lead] += scale_noise(piece, windows[number, :, lead], snr_db)
        return noisy


def scale_noise(noise: np.ndarray, signal: np.ndarray, snr_db: float) -> np.ndarray:
    """Scale noise so that signal and noise have powers `snr_db` dB apart where there is a signal.

    Args:
        noise, signal: float (samples,).
        snr_db: signal-to-noise ratio, dB.

    Returns:
        The noise to add, float32 (samples,), zero where the signal is zero.
    """
    where = signal != 0
    if not where.any():
        return np.zeros(len(signal), np.float32)
    noise = np.where(where, noise - noise[where].mean(), 0.0)
    power, noise_power = np.var(signal[where]), np.mean(noise[where] ** 2)
    if not noise_power:
        return np.zeros(len(signal), np.float32)
    return (noise * np.sqrt(power / noise_power / 10 ** (snr_db / 10))).astype(np.float32)


def _stretch(windows: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Windows played `factors` (n,) times as fast, about their middle."""
    samples = windows.shape[1]
    middle = (samples - 1) / 2
    stretched = np.empty_like(windows)
    places = np.arange(samples)
    for window, result, factor in zip(windows, stretched, factors, strict=True):
        at = middle + (places - middle) * factor
        for lead in range(windows.shape[2]):
            result[:, lead] = np.interp(at, places, window[:, lead])
    return stretched


def _drop_leads(windows: np.ndarray, draws: np.ndarray, share: float) -> np.ndarray:
    """Windows whose leads with draws (n, leads) below `share` are zero; the one with the highest draw stays."""
    kept = (draws >= share) | (draws == draws.max(axis=1, keepdims=True))
    return windows * kept[:, None, :]


def mix_examples(inputs, targets: np.ndarray, weights: np.ndarray, alpha: float, random: np.random.Generator):
    """Mix each example with another one of its batch, by a share from Beta(alpha, alpha).

    Args:
        inputs: {name: (n, …)} float32, or one array.
        targets: float (n, classes).
        weights: float (n,).
        alpha: of the distribution.
        random: source of the shares and pairs.

    Returns:
        Inputs, targets and weights, mixed.
    """
    shares = random.beta(alpha, alpha, len(targets)).astype(np.float32)
    others = random.permutation(len(targets))

    def mix(values):
        share = shares.reshape(-1, *[1] * (values.ndim - 1))
        return (share * values + (1 - share) * values[others]).astype(np.float32)

    mixed = {name: mix(values) for name, values in inputs.items()} if isinstance(inputs, dict) else mix(inputs)
    return mixed, mix(targets), mix(weights)


def load_noise(steps: Sequence[dict]) -> list[np.ndarray]:
    """Load the noise of the Noise Stress Test Database for training: the first half of each recording.

    Args:
        steps: the preprocessing of the recordings, which the noise goes through as well.

    Returns:
        Per noise recording float32 (samples, 2).

    Raises:
        InputError: the database is not there, or a recording of it cannot be read.
    """
    try:
        _, folder = locate("nstdb")
    except InputError as error:
        raise InputError(f"augmentation.noise takes its noise from nstdb: {error}") from None
    preprocess = Preprocessing(steps)
    noise = []
    for name in NOISE_RECORDS:
        record = read_record(folder / name)
        signal = record.select_leads(record.leads)
        signal, _ = preprocess(signal[: len(signal) // 2], record.fs)
        noise.append(np.ascontiguousarray(signal, np.float32))
    return noise
