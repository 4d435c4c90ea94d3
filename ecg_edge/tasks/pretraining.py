"""Pretraining on recordings without labels: what is hidden of a window is computed from the rest of it.

The network takes one lead, and every lead of a recording is an example: an epoch has one of each window, drawn anew. A
run of another task starts from its weights (training.init).
"""

import dataclasses

import numpy as np

from ecg_edge.data.examples import Examples, consecutive_windows
from ecg_edge.tasks.task import Task, UnitMetrics, mean_by_record

STRETCH_S = 0.4  # about a QRS complex with its T wave


@dataclasses.dataclass(frozen=True)
class LeadExamples(Examples):
    """Windows of one lead.

    Attributes:
        channels: int64 (n,), the lead of each.
        drawn: whether an epoch draws them anew.
    """

    channels: np.ndarray = dataclasses.field(kw_only=True)
    drawn: bool = False

    def batch(self, positions):
        """{"ecg": (n, samples, 1) float32}."""
        windows = self.windows(positions)
        return {"ecg": windows[np.arange(len(windows)), :, self.channels[positions]][..., None]}

    def take(self, positions):
        return dataclasses.replace(super().take(positions), channels=self.channels[positions])

    def draw_epoch(self, *seed):
        """The same windows, each of another lead."""
        if not self.drawn:
            return self
        leads = self.recordings.signals.shape[1]
        return dataclasses.replace(self, channels=np.random.default_rng(seed).integers(leads, size=len(self)))


class PretrainingTask(Task):
    """The error where a signal was hidden, over its variance there. Targets say nothing."""

    name = "pretrain"
    output = "reconstruction"
    loss = None  # the model adds its own
    score_name = "share explained"
    labelled = False

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        return ("signal",)

    @classmethod
    def count_contents(cls, recordings):
        return {entry.name: {} for entry in recordings.entries}

    def count_channels(self, leads):
        return 1

    def wrap_model(self, model, window):
        from models_keras.layers.masked_reconstruction import hide_and_reconstruct

        return hide_and_reconstruct(model, max(1, round(STRETCH_S * window.fs)))

    def examples(self, recordings, names, window, training=False):
        cut = consecutive_windows(recordings, names, window, np.zeros(len(recordings.entries), np.int64))
        fields = {field.name: getattr(cut, field.name) for field in dataclasses.fields(cut)}
        channels = np.arange(len(cut)) % recordings.signals.shape[1]
        return LeadExamples(**fields, channels=channels, drawn=training)

    def validate(self, summaries, examples):
        error = float(summaries.mean())
        return {"validation_loss": error, "validation_score": 1 - error}

    def compute_metrics(self, summaries, examples):
        records, errors = mean_by_record(summaries, examples.records)
        entries = [examples.entries[record] for record in records]
        return UnitMetrics(
            unit="recordings",
            patients=[entry.patient for entry in entries],
            statistic=lambda positions: {("share_explained",): 1 - float(errors[positions].mean())},
            details={},
            entries=entries,
            headline=("share_explained",),
        )
