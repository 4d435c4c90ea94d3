"""One example per beat: the window around it, and what was before; and which of them an epoch of training sees."""

import dataclasses

import numpy as np

from ecg_edge.data.examples import Examples, Positions
from ecg_edge.tasks.beat_history import history
from ecg_edge.tasks.relative_beats import RelativeBeats

NORMALS = 2  # normal beats per ectopic one in an epoch of training, of each recording
LEAST_NORMALS = 200  # of each recording: normal beats of people without ectopic ones are to be learnt, too


@dataclasses.dataclass(frozen=True)
class BeatExamples(Examples):
    """One example per beat.

    Attributes:
        beats: int64 (n,), the position of each beat among all recordings' beats.
        known: int8, the class of each of all recordings' beats, UNKNOWN where the model may not know it.
        relative: all recordings' beats relative to the patient's own, where the model is given that.
        normal_share: how many normal beats each drawn one stands for.
    """

    beats: np.ndarray = dataclasses.field(kw_only=True)
    known: np.ndarray = dataclasses.field(kw_only=True)
    relative: RelativeBeats | None = dataclasses.field(kw_only=True, default=None)
    normal_share: float = dataclasses.field(kw_only=True, default=1.0)

    def batch(self, positions):
        """{"ecg": (n, samples, leads)} and `history`, float32."""
        return {"ecg": self.windows(positions), **self.history(positions)}

    def history(self, positions: Positions) -> dict[str, np.ndarray]:
        """{"rr": (n, 5) s, "labels": (n, 5, 3)} float32; with `relative` rr is, and there is "own": (n, 1 + leads)."""
        records, beats = self.records[positions], self.beats[positions]
        if self.relative is None:
            rr, labels = history(self.recordings, records, beats, self.known)
            return {"rr": rr, "labels": labels}
        rr, labels = history(self.recordings, records, beats, self.known, self.relative.intervals)
        return {"rr": rr, "labels": labels, "own": self.relative.own[beats]}

    def take(self, positions):
        return dataclasses.replace(super().take(positions), beats=self.beats[positions])

    def draw_epoch(self, *seed):
        """All ectopic beats, and NORMALS times as many normal ones of each recording, at least LEAST_NORMALS of them,
        drawn anew."""
        random, ectopic = np.random.default_rng(seed), np.flatnonzero(self.targets != 0)
        ectopic_counts = np.bincount(self.records[ectopic], minlength=len(self.entries))
        normal = np.flatnonzero(self.targets == 0)
        drawn = [ectopic]
        for record in np.unique(self.records[normal]):
            beats = normal[self.records[normal] == record]
            drawn.append(random.permutation(beats)[: max(NORMALS * ectopic_counts[record], LEAST_NORMALS)])
        share = len(normal) / max(1, sum(map(len, drawn[1:])))
        return dataclasses.replace(self.take(np.sort(np.concatenate(drawn))), normal_share=share)
