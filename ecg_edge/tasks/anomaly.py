"""Anomaly detection: a model that has learnt to reconstruct normal recordings alone is surprised by others.

A recording is normal if its database calls it so and nothing else. Its score is the mean over its windows, abnormal
from a threshold on that is chosen on the validation part for the highest F1. Scores are those of arXiv 2510.05919 and,
as an option, of the code published with it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from ecg_edge.data.examples import consecutive_windows
from ecg_edge.tasks.metrics import best_threshold, binary_auroc_auprc, confusion_matrix
from ecg_edge.tasks.task import BATCH, Task, UnitMetrics, mean_by_record
from firmware_bench.runtime.errors import InputError

CLASSES = ("normal", "abnormal")
LOG_VARIANCE = 10.0  # a log-variance beyond ± this counts as this, as in the model's loss
ACTIVE = 0.01  # nats of KL divergence from which on a latent dimension is in use: Burda et al., arXiv 1509.00519
FALSE_ALARMS = 0.05  # of the normal recordings, where the validation part has no others to choose a threshold by

LOSS, PAPER, CODE, LATENT = range(4)  # columns of the summaries, see `anomaly_scores`


@dataclasses.dataclass(frozen=True)
class Options:
    """score: what makes a window abnormal, see `anomaly_scores`."""

    score: Literal["paper", "code"] = "paper"


class AnomalyTask(Task):
    """See the module. Targets are 0 for normal recordings, 1 for others; training sees the former alone.

    decision: {"threshold": score from which on a recording is abnormal}.
    """

    name = "anomaly"
    output = "reconstruction"
    score_name = "AUROC"
    Options = Options

    @classmethod
    def is_usable(cls, entry, classes):
        return bool(entry.labels) and (tuple(classes) == CLASSES or any(label in classes for label in entry.labels))

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        """Normal and abnormal. Raises InputError where none of the recordings called `names` is normal."""
        wanted = set(names)
        if not any(entry.normal for entry in dataset.entries if entry.name in wanted):
            raise InputError(
                "no recording of the training part is normal, that is, labelled by its database as normal and nothing "
                "else: an anomaly detector learns from these alone"
            )
        return CLASSES

    def examples(self, recordings, names, window, training=False):
        targets = np.array([0 if entry.normal else 1 for entry in recordings.entries])
        if training:
            normal = {entry.name for entry in recordings.entries if entry.normal}
            names = [name for name in names if name in normal]
        return consecutive_windows(recordings, names, window, targets)

    def summarise(self, inputs, outputs):
        return anomaly_scores(inputs["ecg"], outputs).astype(np.float32)

    def decide(self, summaries):
        return summaries[:, self._column()].astype(np.float64)

    def validate(self, summaries, examples):
        """The loss of the normal windows, the AUROC of recordings, and how much of the latent space is in use: the KL
        divergence of each dimension on normal windows, and the number of dimensions where it exceeds 0.01 nats."""
        normal = examples.targets == 0
        if not normal.any():
            raise InputError("no recording of the validation part is normal: train on more, or on another seed's split")
        divergence = summaries[normal, LATENT:].mean(axis=0)
        _, truth, scores = self._decided(summaries, examples)
        row = {
            "validation_loss": float(summaries[normal, LOSS].mean()),
            "validation_score": _auroc_auprc(truth, scores)[0],
        }
        if len(divergence):
            row["active_units"] = int(np.sum(divergence > ACTIVE))
            row |= {f"kl_{dimension:02}": float(nats) for dimension, nats in enumerate(divergence)}
        return row

    def choose_decision(self, summaries, examples):
        _, truth, scores = self._decided(summaries, examples)
        if not truth.any():
            return {"threshold": float(np.quantile(scores, 1 - FALSE_ALARMS))}
        return {"threshold": best_threshold(truth, scores)}

    def compute_metrics(self, summaries, examples):
        found, truth, scores = self._decided(summaries, examples)
        predicted = (scores >= self.require_decision("threshold")).astype(int)
        entries = [examples.entries[record] for record in found]

        def statistic(positions):
            abnormal, alarm = truth[positions], predicted[positions] == 1
            auroc, auprc = _auroc_auprc(abnormal, scores[positions])
            hits, alarms, cases = int(np.sum(abnormal & alarm)), int(alarm.sum()), int(abnormal.sum())
            return {
                ("auroc",): auroc,
                ("auprc",): auprc,
                ("f1",): 2 * hits / (alarms + cases) if cases else np.nan,
                ("precision",): hits / alarms if alarms else 0.0,
                ("recall",): hits / cases if cases else np.nan,
            }

        counts = np.bincount(truth.astype(int), minlength=2)
        return UnitMetrics(
            unit="recordings",
            patients=[entry.patient for entry in entries],
            statistic=statistic,
            details={
                "threshold": self.require_decision("threshold"),
                "classes": {name: {"recordings": int(n)} for name, n in zip(CLASSES, counts, strict=True)},
                "confusion_matrix": confusion_matrix(truth.astype(int), predicted, 2).tolist(),
            },
            entries=entries,
            predicted=predicted,
            headline=("auroc",),
        )

    def report(self, summaries, examples):
        """Per recording its score, and normal or abnormal by the threshold."""
        found, decided = mean_by_record(summaries, examples.records)
        windows, scores = np.bincount(examples.records), decided[:, self._column()]
        threshold = self.require_decision("threshold")
        return [
            {
                "record": examples.entries[record].name,
                "label": CLASSES[int(score >= threshold)],
                "probabilities": {},
                "score": round(float(score), 6),
                "threshold": round(threshold, 6),
                "windows": int(windows[record]),
                "seconds": round(float(examples.recordings.lengths[record] / examples.window.fs), 3),
            }
            for record, score in zip(found, scores, strict=True)
        ]

    def localise(self, predictor, examples) -> dict[int, np.ndarray]:
        """Where the model is surprised: position of each recording → (samples, leads) its weighted squared error, the
        mean over the windows that see a sample, NaN where none does."""
        leads = examples.recordings.signals.shape[1]
        sums = {i: np.zeros((examples.recordings.lengths[i], leads)) for i in np.unique(examples.records)}
        counts = {i: np.zeros((len(total), 1)) for i, total in sums.items()}
        for start in range(0, len(examples), BATCH):
            some = examples.take(np.arange(start, min(start + BATCH, len(examples))))
            inputs = some.batch(slice(None))
            errors = weighted_errors(inputs["ecg"], predictor(inputs))
            for record, first, error in zip(some.records, some.starts, errors, strict=True):
                inside = sums[record][first : first + len(error)]
                inside += error[: len(inside)]
                counts[record][first : first + len(error)] += 1
        return {i: np.where(counts[i] > 0, sums[i] / np.maximum(counts[i], 1), np.nan) for i in sums}

    def _decided(self, summaries, examples):
        """The recordings, bool (m,) whether they are abnormal, and their scores (m,)."""
        found, decided = mean_by_record(summaries, examples.records)
        abnormal = np.zeros(len(examples.entries), bool)
        abnormal[examples.records] = examples.targets == 1
        return found, abnormal[found], decided[:, self._column()]

    def _column(self):
        return PAPER if self.options.score == "paper" else CODE


def anomaly_scores(ecg: np.ndarray, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """How much windows (n, samples, leads) anomaly_scores the model that gave `outputs`: (n, 3 + latent dimensions).

    LOSS: what training minimises, nats per value of the window at a weight of 1 for the KL divergence.
    PAPER: the squared error, weighted by attention where the model has some, mean over the window, plus the KL
    divergence, mean over time steps and latent dimensions.
    CODE: 0.4 Σ error² / σ² + 0.6 Σ log σ² + 0.6 Σ KL, sums over the window.
    LATENT on: the KL divergence of each latent dimension, mean over time steps, nats.
    All three are the mean squared error of a model that gives no distribution, and no dimensions follow.
    """
    weighted = weighted_errors(ecg, outputs).mean(axis=(1, 2))
    if "log_variance" not in outputs:
        return np.column_stack([weighted] * LATENT)
    log_variance = np.clip(np.float64(outputs["log_variance"]), -LOG_VARIANCE, LOG_VARIANCE)
    errors = np.square(ecg - outputs["reconstruction"], dtype=np.float64) * np.exp(-log_variance)
    divergence = _latent_divergence(outputs)
    nats = divergence.sum(axis=1)  # of a time step
    likelihood = 0.5 * (np.log(2 * np.pi) + log_variance + errors).mean(axis=(1, 2))
    code = 0.4 * errors.sum(axis=(1, 2)) + 0.6 * log_variance.sum(axis=(1, 2)) + 0.6 * ecg.shape[1] * nats
    return np.column_stack([likelihood + nats / ecg.shape[2], weighted + divergence.mean(axis=1), code, divergence])


def weighted_errors(ecg: np.ndarray, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The squared errors of the reconstruction (n, samples, leads), each times what the model's two attentions give
    its lead and its time step, relative to what all get on average; without attention, the squared errors."""
    errors = np.square(ecg - outputs["reconstruction"], dtype=np.float64)
    if "lead_attention" not in outputs:
        return errors
    _, samples, leads = ecg.shape
    return errors * leads * outputs["lead_attention"] * samples * outputs["sequence_attention"][..., None]


def _latent_divergence(outputs):
    """KL divergence from the standard normal distribution per latent dimension, mean over time steps: (n, d)."""
    mean, log_variance = (np.float64(outputs[name]) for name in ("latent_mean", "latent_log_variance"))
    return np.mean(0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance), axis=1)


def _auroc_auprc(abnormal, scores):
    """AUROC and AUPRC, NaN where only one class is there."""
    return binary_auroc_auprc(abnormal, scores) if abnormal.any() and not abnormal.all() else (np.nan, np.nan)
