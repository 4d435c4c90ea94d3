"""The logarithmic amplitude spectrum of a window, by constant products instead of a Fourier operator."""

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
# bin of a 2 s window, so that 8 bits resolve the high ones too.
TILT = 16
# Of a window of 256 samples: they save 41 kB of tables and cost 2 dB, 34 instead of 36, for what is halved is rounded.
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
        y = _integer_form(x, *tables) if self.form == "integer" else _definition(x, *tables)  # (batch, leads, bins)
        return ops.transpose(y, (0, 2, 1))  # (batch, bins, leads)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] // 2 + 1, shape[2])

    def get_config(self):
        return {**super().get_config(), "form": self.form}


def _definition(x, cosines, sines):
    a, b = ops.matmul(x, cosines), ops.matmul(x, sines)
    return ops.log1p(ops.sqrt(a * a + b * b + LOWEST))


def _halved(x):
    """[(values, bins)]: what the bins of those numbers are products of. Both halves of a window meet the same waves in
    the even bins and opposite ones in the odd: of half as many values each, their sum and their difference. So it is
    again with the even bins and the sum, which makes the tables three eighths as large."""
    parts, bins = [], np.arange(x.shape[-1] // 2 + 1)
    while x.shape[-1] % 2 == 0 and len(parts) < HALVINGS:
        first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
        parts.append((first - second, bins[1::2]))
        x, bins = first + second, bins[::2]
    return [(x, bins), *parts[::-1]]


def _in_order(parts):
    """The bins of `_halved`, each (batch, leads, its bins), next to each other: (batch, leads, bins)."""
    even, *others = parts
    for odd in others:
        (*shape, count), last = odd.shape, even[..., odd.shape[-1] :]
        pairs = ops.concatenate([even[..., :count, None], odd[..., None]], -1)
        pairs = ops.reshape(pairs, (-1, *shape[1:], 2 * count))
        even = ops.concatenate([pairs, last], -1) if last.shape[-1] else pairs
    return even


def _integer_form(x, cosines, sines):
    """Convolutions of one tap do the products: each of their channels has an integer scale of its own."""
    leads, bins = x.shape[1], cosines.shape[1]
    tilt = (1 + np.arange(bins) / TILT).astype(np.float32)
    tables = [table * tilt for table in (cosines, sines)]
    parts = _halved(x)
    order = np.concatenate([chosen for _, chosen in parts])
    a, b = (
        ops.absolute(ops.concatenate([ops.conv(v, table[None, : v.shape[-1], chosen]) for v, chosen in parts], -1))
        for table in tables
    )  # (batch, leads, bins)
    amplitudes = ops.maximum(ops.maximum(a, b), (a + b) * 0.5**0.5)

    # Each piece of the line is min(amplitude, knot), and RELU6 is what cuts.
    knots, slopes = broken_line()
    cuts = (OCTAGON * 6 / knots / tilt[order, None]).astype(np.float32)  # (bins, pieces)
    x = ops.relu6(ops.depthwise_conv(amplitudes, cuts[None]))  # (batch, leads, bins · pieces)
    x = ops.reshape(x, (-1, leads * bins, PIECES))  # (batch, leads · bins, pieces)
    x = ops.conv(x, (slopes * knots / 6)[None, :, None])  # (batch, leads · bins, 1)
    x = ops.reshape(x, (-1, leads, bins))
    ends = np.cumsum([len(chosen) for _, chosen in parts]).tolist()
    return _in_order([x[..., end - len(chosen) : end] for end, (_, chosen) in zip(ends, parts, strict=True)])
