"""Anomaly detection: a model trained to reconstruct normal recordings has a large error on abnormal ones.

A recording is normal if its database says so and gives no other label. Its score is the mean over its windows; it is
abnormal at or above a threshold, which is chosen on the validation part for the highest F1. Scores are those of arXiv
2510.05919 or, as an option, of the code published with it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import numpy as np

from ecg_edge.data.examples import Examples, consecutive_windows
from ecg_edge.tasks.metrics import best_threshold, binary_auroc_auprc, confusion_matrix
from ecg_edge.tasks.predictor import Outputs
from ecg_edge.tasks.task import BATCH, Task, TaskOptions, UnitMetrics, mean_by_record
from firmware_bench.runtime.errors import InputError

CLASSES = ("normal", "abnormal")
LARGEST_LOG_VARIANCE = 10.0  # log-variances are clipped to ± this, as in the model's loss
ACTIVE_NATS = 0.01  # KL divergence above which a latent dimension is active: Burda et al., arXiv 1509.00519
FALSE_ALARM_RATE = 0.05  # sets the threshold where the validation part has normal recordings only

LOSS, PAPER, CODE, LATENT = range(4)  # columns of the summaries, see `anomaly_scores`


@dataclasses.dataclass(frozen=True)
class AnomalyOptions(TaskOptions):
    """score: of a window, see `anomaly_scores`."""

    score: Literal["paper", "code"] = "paper"


class AnomalyTask(Task):
    """Normal or abnormal per recording. Targets are 0 for normal, 1 for abnormal; training sees normal ones only.

    decision: {"threshold": score from which on a recording is abnormal}.
    """

    name: ClassVar[str] = "anomaly"
    output = "reconstruction"
    loss = None  # the model adds its own
    score_name = "AUROC"
    Options = AnomalyOptions

    @classmethod
    def is_usable(cls, entry, classes):
        return bool(entry.labels) and (tuple(classes) == CLASSES or any(label in classes for label in entry.labels))

    @classmethod
    def find_classes(cls, dataset, recordings, names):
        """Normal and abnormal.

        Raises:
            InputError: none of the recordings called `names` is normal.
        """
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
        return anomaly_scores(inputs["ecg"], _by_name(outputs)).astype(np.float32)

    def decide(self, summaries):
        return summaries[:, self._column()].astype(np.float64)

    def validate(self, summaries, examples):
        """The loss of normal windows, the AUROC of recordings, and how much of the latent space is used: the KL
        divergence of each dimension on normal windows, nats, and the number of active dimensions."""
        normal = examples.targets == 0
        if not normal.any():
            raise InputError("no recording of the validation part is normal: train on more, or on another seed's split")
        divergence = split_latent(summaries)[0][normal].mean(axis=0)
        _, abnormal, scores = self._by_record(summaries, examples)
        row = {
            "validation_loss": float(summaries[normal, LOSS].mean()),
            "validation_score": _auroc_auprc(abnormal, scores)[0],
        }
        if len(divergence):
            row["active_units"] = int(np.sum(divergence > ACTIVE_NATS))
            row |= {f"kl_{dimension:02}": float(nats) for dimension, nats in enumerate(divergence)}
        return row

    def choose_decision(self, summaries, examples):
        _, abnormal, scores = self._by_record(summaries, examples)
        if not abnormal.any():
            return {"threshold": float(np.quantile(scores, 1 - FALSE_ALARM_RATE))}
        return {"threshold": best_threshold(abnormal, scores)}

    def collect_scores(self, summaries, examples):
        """Per recording "score", whether it is "abnormal", and of a latent space the "divergence" and the "latent_mean"
        of every dimension."""
        records, abnormal, scores = self._by_record(summaries, examples)
        divergence, mean = split_latent(mean_by_record(summaries, examples.records)[1])
        names = np.array([examples.entries[record].name for record in records])
        latent = {"divergence": divergence, "latent_mean": mean} if divergence.size else {}
        return {"names": names, "score": scores, "abnormal": abnormal, **latent}

    def compute_metrics(self, summaries, examples):
        records, abnormal, scores = self._by_record(summaries, examples)
        predicted = (scores >= self.require_decision("threshold")).astype(int)
        entries = [examples.entries[record] for record in records]

        def statistic(positions):
            true, alarm = abnormal[positions], predicted[positions] == 1
            auroc, auprc = _auroc_auprc(true, scores[positions])
            hits, alarms, cases = int(np.sum(true & alarm)), int(alarm.sum()), int(true.sum())
            return {
                ("auroc",): auroc,
                ("auprc",): auprc,
                ("f1",): 2 * hits / (alarms + cases) if cases else np.nan,
                ("precision",): hits / alarms if alarms else 0.0,
                ("recall",): hits / cases if cases else np.nan,
            }

        counts = np.bincount(abnormal.astype(int), minlength=2)
        return UnitMetrics(
            unit="recordings",
            patients=[entry.patient for entry in entries],
            statistic=statistic,
            details={
                "threshold": self.require_decision("threshold"),
                "classes": {name: {"recordings": int(n)} for name, n in zip(CLASSES, counts, strict=True)},
                "confusion_matrix": confusion_matrix(abnormal.astype(int), predicted, 2).tolist(),
            },
            entries=entries,
            predicted=predicted,
            headline=("auroc",),
        )

    def report(self, summaries, examples):
        """Per recording its score, and normal or abnormal by the threshold."""
        records, means = mean_by_record(summaries, examples.records)
        windows, scores = np.bincount(examples.records), means[:, self._column()]
        threshold = self.require_decision("threshold")
        return [
            {
                "record": examples.entries[record].name,
                "label": CLASSES[int(score >= threshold)],
                "probabilities": {},
                "score": round(float(score), 6),
                "threshold": round(threshold, 6),
                "windows": int(windows[record]),
                "seconds": examples.seconds(record),
            }
            for record, score in zip(records, scores, strict=True)
        ]

    def localise(self, predictor, examples):
        """The weighted squared error at every sample, see `weighted_errors`.

        Returns:
            Position of each recording → (samples, leads), the mean over the windows that contain a sample, NaN where
            none does.
        """
        return _average_windows(
            examples,
            examples.recordings.signals.shape[1],
            lambda ecg: weighted_errors(ecg, _by_name(predictor({"ecg": ecg}))),
        )

    def reconstruct(self, predictor, examples):
        leads = examples.recordings.signals.shape[1]

        def compute(ecg):
            return np.concatenate([ecg, _by_name(predictor({"ecg": ecg}))["reconstruction"]], axis=2)

        averages = _average_windows(examples, 2 * leads, compute)
        return {record: (both[:, :leads], both[:, leads:]) for record, both in averages.items()}

    def _by_record(self, summaries, examples):
        """The recordings (m,), bool (m,) whether they are abnormal, and their scores (m,)."""
        records, means = mean_by_record(summaries, examples.records)
        abnormal = np.zeros(len(examples.entries), bool)
        abnormal[examples.records] = examples.targets == 1
        return records, abnormal[records], means[:, self._column()]

    def _column(self):
        return PAPER if self.options.score == "paper" else CODE


def _average_windows(
    examples: Examples, channels: int, compute: Callable[[np.ndarray], np.ndarray]
) -> dict[int, np.ndarray]:
    """What is computed of windows, (n, samples, channels) each, averaged over the windows that contain a sample.

    Returns:
        Position of each recording → (samples, channels), NaN where no window contains a sample.
    """
    lengths = examples.recordings.lengths
    sums = {i: np.zeros((lengths[i], channels), np.float32) for i in np.unique(examples.records)}
    counts = {i: np.zeros((len(total), 1), np.float32) for i, total in sums.items()}
    for start in range(0, len(examples), BATCH):
        batch = examples.take(np.arange(start, min(start + BATCH, len(examples))))
        for record, first, values in zip(batch.records, batch.starts, compute(batch.windows(slice(None))), strict=True):
            inside = sums[record][first : first + len(values)]
            inside += values[: len(inside)]
            counts[record][first : first + len(values)] += 1
    for i, total in sums.items():  # in place: of 24 h it takes as much memory as the recording
        np.divide(total, counts[i], out=total, where=counts[i] > 0)
        total[counts[i][:, 0] == 0] = np.nan
    return sums


def anomaly_scores(ecg: np.ndarray, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The scores of windows, by the training loss, by the paper and by its code (arXiv 2510.05919).

    Args:
        ecg: (n, samples, leads), the model's input.
        outputs: of the model, by name.

    Returns:
        (n, 3 + twice the latent dimensions) with the columns
        LOSS: the training loss, nats per value of the window, at a weight of 1 for the KL divergence;
        PAPER: squared error, weighted by attention where the model has some, mean over the window, plus the KL
        divergence, mean over time steps and latent dimensions;
        CODE: 0.4 Σ error² / σ² + 0.6 Σ log σ² + 0.6 Σ KL, sums over the window;
        LATENT and following: of each latent dimension the KL divergence, nats, and then of each the latent mean, both
        the mean over time steps.
        For a model that outputs no distribution, the first three are its mean squared error, and no others follow.
    """
    weighted = weighted_errors(ecg, outputs).mean(axis=(1, 2))
    if "log_variance" not in outputs:
        return np.column_stack([weighted] * LATENT)
    log_variance = np.clip(np.float64(outputs["log_variance"]), -LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
    errors = np.square(ecg - outputs["reconstruction"], dtype=np.float64) * np.exp(-log_variance)
    divergence = _latent_divergence(outputs)
    nats = divergence.sum(axis=1)  # of a time step
    likelihood = 0.5 * (np.log(2 * np.pi) + log_variance + errors).mean(axis=(1, 2))
    code = 0.4 * errors.sum(axis=(1, 2)) + 0.6 * log_variance.sum(axis=(1, 2)) + 0.6 * ecg.shape[1] * nats
    mean = np.mean(outputs["latent_mean"], axis=1, dtype=np.float64)
    columns = [likelihood + nats / ecg.shape[2], weighted + divergence.mean(axis=1), code, divergence, mean]
    return np.column_stack(columns)


def split_latent(summaries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The KL divergences, nats, and the means of the latent dimensions: both (n, d), from `anomaly_scores`' columns."""
    divergence, mean = np.hsplit(summaries[:, LATENT:], 2)
    return divergence, mean


def weighted_errors(ecg: np.ndarray, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The squared errors of the reconstruction, (n, samples, leads), each weighted by the model's attention to its lead
    and to its time step, relative to uniform attention; without attention, the squared errors."""
    errors = np.square(ecg - outputs["reconstruction"], dtype=np.float64)
    if "lead_attention" not in outputs:
        return errors
    _, samples, leads = ecg.shape
    return errors * leads * outputs["lead_attention"] * samples * outputs["sequence_attention"][..., None]


def _by_name(outputs: Outputs) -> dict[str, np.ndarray]:
    assert isinstance(outputs, dict)
    return outputs


def _latent_divergence(outputs):
    """KL divergence from the standard normal distribution per latent dimension, mean over time steps: (n, d)."""
    mean, log_variance = (np.float64(outputs[name]) for name in ("latent_mean", "latent_log_variance"))
    return np.mean(0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance), axis=1)


def _auroc_auprc(abnormal, scores):
    """AUROC and AUPRC, NaN where only one class is present."""
    return binary_auroc_auprc(abnormal, scores) if abnormal.any() and not abnormal.all() else (np.nan, np.nan)
