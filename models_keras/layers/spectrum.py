"""The logarithmic amplitude spectrum of a window, by constant matrix products instead of a Fourier operator."""

import math

import keras
import numpy as np

from models_keras.layers.keras_ops import ops

LOWEST = 1e-12  # under the root, whose slope at zero is infinite
# Knots of the piecewise-linear log1p: equal steps of log1p, up to the largest amplitude that a window of 256 samples of
# unit variance can have, √(256² / 2) = 181.
HIGHEST, PIECES = 181.0, 8
# max(|a|, |b|, (|a| + |b|) / √2), an octagon, is √(a² + b²) or up to 8 % less; scaled by this its error is within ±4 %.
OCTAGON = np.cos(np.pi / 8) ** -0.5
# The amplitude of an ECG falls with the frequency; times 1 + bin / TILT the strongest beats reach 60 to 170 in every
# bin of a 2 s window, so that 8 bits resolve the high ones too. Bins share this factor in GROUPS groups of neighbours.
TILT, GROUPS = 16, 8
# Decimation steps of the transform. For 256 samples they save 57 kB of tables and cost 3 dB of SQNR (33 instead of 36),
# because intermediate sums are rounded.
HALVINGS = 2


def fourier(samples):
    """The matrices of the discrete Fourier transform of a real signal.

    Returns:
        Cosines and sines, each float32 (samples, samples // 2 + 1): x (..., samples) times them is the real part and
        the negative imaginary part.
    """
    # Reduced to one turn while it is an integer, for accuracy.
    turns = np.outer(np.arange(samples), np.arange(samples // 2 + 1)) % samples / samples
    return np.cos(2 * np.pi * turns).astype(np.float32), np.sin(2 * np.pi * turns).astype(np.float32)


def log1p_ramps():
    """A piecewise-linear log1p: knots and slopes, each float32 (PIECES,), such that Σ slope · min(x, knot) is within
    0.05 of log1p(x) for x up to HIGHEST."""
    knots = np.expm1(np.linspace(0, np.log1p(HIGHEST), PIECES + 1))
    heights = np.log1p(knots)
    chord = np.diff(heights)[0] / np.diff(knots)[0]
    # log1p lies above its chords, by the same maximum in every piece, as the knots are a constant ratio apart. Raised
    # by half of it, the line errs as much above as below. It still passes through (0, 0).
    heights[1:] += (chord - 1 - np.log(chord)) / 2
    slopes = np.diff(heights) / np.diff(knots)
    return knots[1:].astype(np.float32), -np.diff(slopes, append=0.0).astype(np.float32)


@keras.saving.register_keras_serializable("ecg_edge")
class LogSpectrum(keras.layers.Layer):
    """log(1 + amplitude) of the discrete Fourier transform over time: (samples, leads) → (samples // 2 + 1, leads).

    No weights.

    Args:
        form: "log1p" computes the definition, within 1e-4. "integer" is for models that will be quantised, since
            neither root nor logarithm has an integer kernel on microcontrollers (and a square needs 16 bits): the
            amplitude by an octagon instead of a circle, the logarithm piecewise linear and constant above HIGHEST,
            together within 0.07.

    Raises:
        ValueError: `form` is another.
    """

    FORMS = ("integer", "log1p")

    def __init__(self, form="integer", **kwargs):
        super().__init__(**kwargs)
        if form not in self.FORMS:
            raise ValueError(f"no form {form!r} of a spectrum: choose {' or '.join(self.FORMS)}")
        self.form = form

    def call(self, x):
        tables = fourier(x.shape[1])
        x = ops.transpose(x, (0, 2, 1))  # (batch, leads, samples)
        return _integer_form(x, *tables) if self.form == "integer" else _definition(x, *tables)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] // 2 + 1, shape[2])

    def get_config(self):
        return {**super().get_config(), "form": self.form}


def _definition(x, cosines, sines):
    """x (batch, leads, samples) → (batch, bins, leads)."""
    a, b = ops.matmul(x, cosines), ops.matmul(x, sines)
    return ops.transpose(ops.log1p(ops.sqrt(a * a + b * b + LOWEST)), (0, 2, 1))


def _folds(pieces):
    """The sums and differences of a radix-2 decimation in frequency, which halve the tables of the transform.

    A window is cut into `pieces`, a power of two; so is the window in reverse (x[0], then …, x[2], x[1]). The two
    halves of a window meet equal waves in the even bins and opposite ones in the odd bins: even bins need their sum,
    odd bins their difference. In the odd bins cosines are odd and sines even about the middle of the difference, where
    a sine equals a cosine from the start: both become products of a quarter of the values with one table (the first and
    the second half of each matrix). The sum is decimated again; the last matrix is what remains of it.

    Returns:
        Matrices (pieces of the sum, 2 · pieces) of 0, 1 and -1.
    """
    (x, back), folds = np.split(np.eye(2 * pieces, dtype=np.float32), 2), []
    while len(x) >= 4:
        half, quarter = len(x) // 2, len(x) // 4
        difference, mirrored = x[:half] - x[half:], back[:half] - back[half:]
        u, v = difference[:quarter] + mirrored[:quarter], difference[quarter:] - mirrored[quarter:]
        folds.append(np.concatenate([u, v]))
        x, back = x[:half] + x[half:], back[:half] + back[half:]
    return [*folds, x]


def _products(x, cosines, sines):
    """[(|real| and |imaginary part| (batch, leads, 2, bins), the bins)] of x (batch, leads, samples)."""
    leads, samples = x.shape[1:]
    pieces = math.gcd(samples, 2 ** (HALVINGS + 1))
    *odd, even = _folds(pieces)
    both = ops.concatenate([x, x[..., :1], ops.flip(x[..., 1:], -1)], -1)  # (batch, leads, 2 · samples)
    both = ops.reshape(both, (-1, leads, 2 * pieces, samples // pieces))  # (batch, leads, 2 · pieces, length)
    both = ops.transpose(both, (0, 1, 3, 2))  # (batch, leads, length, 2 · pieces)
    both = ops.reshape(both, (-1, leads * samples // pieces, 2 * pieces))  # (batch, leads · length, 2 · pieces)

    def product(fold, table, parts):
        y = ops.conv(both, fold.T[None])  # (batch, leads · length, folded pieces)
        y = ops.reshape(y, (-1, leads, samples // pieces, len(fold)))  # (batch, leads, length, folded pieces)
        y = ops.transpose(y, (0, 1, 3, 2))  # (batch, leads, folded pieces, length)
        y = ops.reshape(y, (-1, leads * parts, len(table)))  # (batch, leads · parts, rows of the table)
        y = ops.conv(y, table[None])  # (batch, leads · parts, columns of the table)
        return ops.absolute(ops.reshape(y, (-1, leads, 2, table.shape[1] * parts // 2)))  # (batch, leads, 2, bins)

    found, bins = [], np.arange(samples // 2 + 1)
    for fold in odd:
        table = cosines[: len(fold) * samples // pieces // 2, bins[1::2]]
        table[0] /= 2  # this value is counted from both sides
        found.append((product(fold, table, 2), bins[1::2]))
        bins = bins[::2]
    table = np.concatenate([table[: len(even) * samples // pieces, bins] for table in (cosines, sines)], -1)
    return [(product(even, table, 1), bins), *found[::-1]]


def _interleave(parts):
    """Interleave the bins of `_products`, each (batch, leads, its bins): (batch, leads, bins)."""
    even, *others = parts
    for odd in others:
        (*shape, count), last = odd.shape, even[..., odd.shape[-1] :]
        pairs = ops.concatenate([even[..., :count, None], odd[..., None]], -1)  # (batch, leads, count, 2)
        pairs = ops.reshape(pairs, (-1, *shape[1:], 2 * count))  # (batch, leads, 2 · count)
        even = ops.concatenate([pairs, last], -1) if last.shape[-1] else pairs
    return even


def _integer_form(x, cosines, sines):
    """`_definition` for integers, with convolutions of kernel size 1 as matrix products: they have a scale per
    channel."""
    leads, bins = x.shape[1], cosines.shape[1]
    width = -(-bins // GROUPS)
    tilt = (1 + (np.arange(GROUPS) + 0.5) * width / TILT).astype(np.float32)
    tilts = np.repeat(tilt, width)[:bins]
    parts, bins_of = zip(*_products(x, cosines * tilts, sines * tilts), strict=True)
    both = ops.concatenate(parts, -1)
    a, b = both[:, :, 0], both[:, :, 1]  # (batch, leads, bins)
    amplitudes = ops.maximum(ops.maximum(a, b), (a + b) * 0.5**0.5)
    ends = np.cumsum([len(bins) for bins in bins_of]).tolist()
    starts = [0, *ends[:-1]]
    x = _interleave([amplitudes[..., start:end] for start, end in zip(starts, ends, strict=True)])

    # Each ramp is min(amplitude, knot), a scaled RELU6. A group is a channel.
    knots, slopes = log1p_ramps()
    cuts = (OCTAGON * 6 / knots / tilt[:, None]).astype(np.float32)  # (groups, pieces)
    x = ops.pad(x, ((0, 0), (0, 0), (0, GROUPS * width - bins)))  # (batch, leads, groups · width)
    x = ops.transpose(ops.reshape(x, (-1, leads, GROUPS, width)), (0, 1, 3, 2))  # (batch, leads, width, groups)
    x = ops.reshape(x, (-1, leads * width, GROUPS))  # (batch, leads · width, groups)
    x = ops.relu6(ops.depthwise_conv(x, cuts[None]))  # (batch, leads · width, groups · pieces)
    x = ops.reshape(x, (-1, leads * width * GROUPS, PIECES))  # (batch, leads · width · groups, pieces)
    x = ops.conv(x, (slopes * knots / 6)[None, :, None])  # (batch, leads · width · groups, 1)
    x = ops.transpose(ops.reshape(x, (-1, leads, width, GROUPS)), (0, 3, 2, 1))  # (batch, groups, width, leads)
    return ops.reshape(x, (-1, GROUPS * width, leads))[:, :bins]  # (batch, bins, leads)
