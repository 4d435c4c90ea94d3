"""The logarithmic amplitude spectrum of a window, by constant products instead of a Fourier operator."""

import math

import keras
import numpy as np
from keras import ops

LOWEST = 1e-12  # under the root, whose slope at zero is infinite
# Where the broken line bends: equal steps of log1p, up to the largest amplitude that a window of 256 samples of unit
# variance can have, √(256² / 2) = 181.
HIGHEST, PIECES = 181.0, 8
# max(|a|, |b|, (|a| + |b|) / √2) is √(a² + b²) or up to 8 % less; enlarged by this it errs 4 % either way.
OCTAGON = np.cos(np.pi / 8) ** -0.5
# The amplitude of an ECG falls with the frequency; times 1 + bin / TILT the strongest beats reach 60 to 170 in every
# bin of a 2 s window, so that 8 bits resolve the high ones too. Neighbours share a factor, in so many groups.
TILT, GROUPS = 16, 8
# Of a window of 256 samples: they save 57 kB of tables and cost 3 dB, 33 instead of 36, for what is halved is rounded.
HALVINGS = 2


def fourier(samples):
    """Cosines and sines, each (samples, samples // 2 + 1) float32: x @ them are the real and the negative imaginary
    part of the Fourier transform of a real x (..., samples)."""
    # The product is reduced to one turn while it is an integer.
    turns = np.outer(np.arange(samples), np.arange(samples // 2 + 1)) % samples / samples
    return np.cos(2 * np.pi * turns).astype(np.float32), np.sin(2 * np.pi * turns).astype(np.float32)


def broken_line():
    """knots and slopes, each (PIECES,) float32: Σ slope · min(x, knot) is within 0.05 of log1p(x) up to HIGHEST."""
    knots = np.expm1(np.linspace(0, np.log1p(HIGHEST), PIECES + 1))
    heights = np.log1p(knots)
    chord = np.diff(heights)[0] / np.diff(knots)[0]
    # log1p bulges above its chords, all by the same as the knots are a constant ratio apart, most where the slopes
    # agree: lifted by half of it, the line errs as much above as below. It goes on through (0, 0).
    heights[1:] += (chord - 1 - np.log(chord)) / 2
    slopes = np.diff(heights) / np.diff(knots)
    return knots[1:].astype(np.float32), -np.diff(slopes, append=0.0).astype(np.float32)


@keras.saving.register_keras_serializable("ecg_edge")
class LogSpectrum(keras.layers.Layer):
    """log(1 + amplitude) of the discrete Fourier transform over time: (samples, leads) → (samples // 2 + 1, leads).

    form: "log1p" computes it as defined, within 1e-4. "integer" is for models that are to become integer, since
    neither root nor logarithm has an integer kernel on microcontrollers (and a square would need 16 bits): the
    amplitude by an octagon in place of the circle, the logarithm by a broken line that is flat from HIGHEST on, both
    together within 0.07. Neither has weights.
    Raises ValueError for any other form.
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
    """What is added up of the `pieces` of a window, a power of two, and of the pieces of the same window read backwards
    (…, x[2], x[1] behind x[0]): matrices (pieces of the sum, 2 · pieces) of 0, 1 and -1.

    Both halves of a window meet the same waves in the even bins and opposite ones in the odd: of half as many values
    each, their sum and their difference. In the odd bins a cosine is odd and a sine even about the middle of the
    difference, from where a sine looks like a cosine from the start: both become products of a quarter of the values,
    the first and the second half of each matrix, and one table. So it is again with the sum, the last of the matrices.
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
    """[(amplitudes, bins)]: of the real and the imaginary part in those bins, (batch, leads, 2, bins)."""
    leads, samples = x.shape[1:]
    pieces = math.gcd(samples, 2 ** (HALVINGS + 1))
    *odd, even = _folds(pieces)
    both = ops.concatenate([x, x[..., :1], ops.flip(x[..., 1:], -1)], -1)
    both = ops.transpose(ops.reshape(both, (-1, leads, 2 * pieces, samples // pieces)), (0, 1, 3, 2))
    both = ops.reshape(both, (-1, leads * samples // pieces, 2 * pieces))

    def product(fold, table, parts):
        y = ops.reshape(ops.conv(both, fold.T[None]), (-1, leads, samples // pieces, len(fold)))
        y = ops.reshape(ops.transpose(y, (0, 1, 3, 2)), (-1, leads * parts, len(table)))
        return ops.absolute(ops.reshape(ops.conv(y, table[None]), (-1, leads, 2, table.shape[1] * parts // 2)))

    found, bins = [], np.arange(samples // 2 + 1)
    for fold in odd:
        table = cosines[: len(fold) * samples // pieces // 2, bins[1::2]]
        table[0] /= 2  # of what is counted from both sides
        found.append((product(fold, table, 2), bins[1::2]))
        bins = bins[::2]
    table = np.concatenate([table[: len(even) * samples // pieces, bins] for table in (cosines, sines)], -1)
    return [(product(even, table, 1), bins), *found[::-1]]


def _in_order(parts):
    """The bins of `_products`, each (batch, leads, its bins), next to each other: (batch, leads, bins)."""
    even, *others = parts
    for odd in others:
        (*shape, count), last = odd.shape, even[..., odd.shape[-1] :]
        pairs = ops.concatenate([even[..., :count, None], odd[..., None]], -1)
        pairs = ops.reshape(pairs, (-1, *shape[1:], 2 * count))
        even = ops.concatenate([pairs, last], -1) if last.shape[-1] else pairs
    return even


def _integer_form(x, cosines, sines):
    """As `_definition`. Convolutions of one tap do the products: each of their channels has an integer scale of its
    own."""
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
    x = _in_order([amplitudes[..., start:end] for start, end in zip(starts, ends, strict=True)])

    # Each piece of the line is min(amplitude, knot), and RELU6 is what cuts. A group is a channel.
    knots, slopes = broken_line()
    cuts = (OCTAGON * 6 / knots / tilt[:, None]).astype(np.float32)  # (groups, pieces)
    x = ops.pad(x, ((0, 0), (0, 0), (0, GROUPS * width - bins)))
    x = ops.transpose(ops.reshape(x, (-1, leads, GROUPS, width)), (0, 1, 3, 2))
    x = ops.reshape(x, (-1, leads * width, GROUPS))
    x = ops.relu6(ops.depthwise_conv(x, cuts[None]))  # (batch, leads · width, groups · pieces)
    x = ops.reshape(x, (-1, leads * width * GROUPS, PIECES))
    x = ops.conv(x, (slopes * knots / 6)[None, :, None])
    x = ops.transpose(ops.reshape(x, (-1, leads, width, GROUPS)), (0, 3, 2, 1))
    return ops.reshape(x, (-1, GROUPS * width, leads))[:, :bins]
