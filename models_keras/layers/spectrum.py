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


def _integer_form(x, cosines, sines):
    """Convolutions of one tap do the products: each of their channels has an integer scale of its own."""
    leads, bins = x.shape[1], cosines.shape[1]
    tilt = (1 + np.arange(bins) / TILT).astype(np.float32)
    a, b = (ops.absolute(ops.conv(x, (table * tilt)[None])) for table in (cosines, sines))  # (batch, leads, bins)
    amplitudes = ops.maximum(ops.maximum(a, b), (a + b) * 0.5**0.5)

    # Each piece of the line is min(amplitude, knot), and RELU6 is what cuts.
    knots, slopes = broken_line()
    cuts = (OCTAGON * 6 / knots / tilt[:, None]).astype(np.float32)  # (bins, pieces)
    x = ops.relu6(ops.depthwise_conv(amplitudes, cuts[None]))  # (batch, leads, bins · pieces)
    x = ops.reshape(x, (-1, leads * bins, PIECES))  # (batch, leads · bins, pieces)
    x = ops.conv(x, (slopes * knots / 6)[None, :, None])  # (batch, leads · bins, 1)
    return ops.reshape(x, (-1, leads, bins))
