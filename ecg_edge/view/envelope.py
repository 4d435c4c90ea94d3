"""A long signal reduced to as many points as a screen has pixels, so that no peak is lost."""

import numpy as np

STEP = 8  # samples, or blocks of the level below, in a block


class Envelope:
    """The lowest and the highest value of a signal over blocks of 8, 64, 512, … samples.

    A part of any length is read from the level whose blocks are just shorter than a pixel, so that its cost depends on
    the pixels and not on the length. The levels take two sevenths of the signal's memory.

    Args:
        signal: float32 (samples, leads), NaN where no sample was taken.
        fs: Its sampling rate, Hz.
    """

    def __init__(self, signal: np.ndarray, fs: float):
        self.fs, self._levels = fs, [(signal, signal)]
        while len(self._levels[-1][0]) > STEP:
            lows, highs = self._levels[-1]
            starts = np.arange(0, len(lows), STEP)
            # fmin and fmax ignore NaN, and leave one where a block has nothing else.
            self._levels.append((np.fmin.reduceat(lows, starts), np.fmax.reduceat(highs, starts)))

    def extract(self, start_s: float, end_s: float, pixels: int) -> tuple[np.ndarray, np.ndarray]:
        """Extract a part.

        Args:
            start_s, end_s: The part, s from the signal's start; what lies outside the signal is left out.
            pixels: Wanted resolution.

        Returns:
            Times, float64 (n,), s, and values, float32 (n, leads): the samples themselves where there are at most two
            of them for each pixel, otherwise the lowest and the highest value of each pixel, in that order.
        """
        signal = self._levels[0][0]
        first, last = max(0, int(start_s * self.fs)), min(len(signal), int(np.ceil(end_s * self.fs)) + 1)
        if last - first <= 2 * pixels:
            return np.arange(first, max(first, last)) / self.fs, signal[first:last]
        bucket = (last - first) / pixels  # samples in a pixel
        level = min(int(np.log(bucket) / np.log(STEP)), len(self._levels) - 1)
        size = STEP**level
        lows, highs = (each[first // size : -(-last // size)] for each in self._levels[level])
        starts = np.unique(np.linspace(0, len(lows), pixels, endpoint=False).astype(np.int64))
        values = np.stack([np.fmin.reduceat(lows, starts), np.fmax.reduceat(highs, starts)], axis=1)
        times = (first // size + starts) * size / self.fs
        return np.repeat(times, 2), values.reshape(-1, values.shape[-1])
