"""Anomaly detection: who teaches, how windows and recordings are scored, where the anomaly_scores lies."""

import types

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics as sk
from small_recordings import record, recordings, window_spec

from ecg_edge.records.record import Entry
from ecg_edge.tasks.anomaly import (
    CODE,
    LATENT,
    LOSS,
    PAPER,
    AnomalyOptions,
    AnomalyTask,
    anomaly_scores,
    split_latent,
    weighted_errors,
)
from firmware_bench.runtime.errors import InputError

CLASSES = ("normal", "abnormal")
MADE = recordings(  # of 2, 1, 1, 1 and 1 windows
    record("r0", samples=20, labels=("NORM",)),
    record("r1", samples=10, labels=("MI",)),
    record("r2", samples=10, labels=("NORM", "CD")),
    record("r3", samples=10, labels=("NORM",)),
    record("r4", samples=10, labels=("HYP",)),
)
NAMES = [entry.name for entry in MADE.entries]
TRUTH = np.array([0, 1, 1, 0, 1])
# Per window loss, paper's and code's score, and of two latent dimensions the divergences and the means.
SUMMARIES = np.array(
    [
        [1.0, 0.1, 9.0, 0.3, 0.001, 1.0, 0.0],
        [2.0, 0.3, 9.0, 0.1, 0.002, 2.0, 0.5],
        [9.0, 0.9, 1.0, 0.5, 0.500, 3.0, 0.0],
        [9.0, 0.3, 2.0, 0.5, 0.500, 4.0, 0.0],
        [3.0, 0.4, 8.0, 0.2, 0.003, 5.0, 0.0],
        [9.0, 0.5, 3.0, 0.5, 0.500, 6.0, 0.0],
    ]
)
SCORES = np.array([0.2, 0.9, 0.3, 0.4, 0.5])  # of the recordings, as in the paper


def task(score="paper", threshold=None):
    return AnomalyTask(CLASSES, AnomalyOptions(score), {} if threshold is None else {"threshold": threshold})


def examples(names=NAMES, training=False):
    return task().examples(MADE, names, window_spec(10), training=training)


def outputs(n=3, samples=7, leads=4, latent=5):
    """Windows, and what a model with everything says of them."""
    random = np.random.default_rng(0)
    lead, sequence = random.random((n, samples, leads)), random.random((n, samples))
    return random.normal(size=(n, samples, leads)).astype(np.float32), {
        "reconstruction": random.normal(size=(n, samples, leads)).astype(np.float32),
        "log_variance": random.normal(size=(n, samples, leads)).astype(np.float32),
        "latent_mean": random.normal(size=(n, samples, latent)).astype(np.float32),
        "latent_log_variance": random.normal(size=(n, samples, latent)).astype(np.float32),
        "lead_attention": (lead / lead.sum(axis=-1, keepdims=True)).astype(np.float32),
        "sequence_attention": (sequence / sequence.sum(axis=-1, keepdims=True)).astype(np.float32),
    }


def without(outputs, *names):
    return {name: values for name, values in outputs.items() if not name.startswith(names)}


def divergences(said):
    """Of every time step and latent dimension."""
    variance = np.exp(said["latent_log_variance"])
    return 0.5 * (said["latent_mean"] ** 2 + variance - 1 - np.log(variance))


def test_training_sees_normal_recordings_alone():
    seen = examples(training=True)
    assert [MADE.entries[record].name for record in seen.records] == ["r0", "r0", "r3"]
    assert not seen.targets.any()
    assert len(examples(["r1", "r3"], training=True)) == 1


def test_targets_are_0_for_normal_and_1_for_abnormal_recordings():
    np.testing.assert_array_equal(examples().targets, [0, 0, 1, 1, 0, 1])


def test_recordings_with_any_known_label_are_usable():
    def usable(*labels, classes=("NORM", "MI")):
        return AnomalyTask.is_usable(Entry("r", "r", "r", labels), classes)

    assert usable("MI") and usable("OTHER", "NORM")
    assert not usable("OTHER") and not usable()
    assert usable("OTHER", classes=CLASSES), "other data may be evaluated on, whatever it calls its classes"


def test_without_a_normal_recording_there_is_nothing_to_learn():
    dataset = types.SimpleNamespace(entries=MADE.entries)
    assert AnomalyTask.find_classes(dataset, MADE, NAMES) == CLASSES
    with pytest.raises(InputError, match="no recording of the training part is normal"):
        AnomalyTask.find_classes(dataset, MADE, ["r1", "r2", "r4"])


def test_errors_are_weighted_by_both_attentions():
    ecg, said = outputs()
    errors = (ecg - said["reconstruction"]) ** 2
    weights = said["lead_attention"] * said["sequence_attention"][..., None]
    np.testing.assert_allclose(weights.sum(axis=(1, 2)), 1, rtol=1e-5)
    weighted = weighted_errors(ecg, said)
    np.testing.assert_allclose(weighted.mean(axis=(1, 2)), np.sum(weights * errors, axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(weighted_errors(ecg, without(said, "lead", "sequence")), errors, rtol=1e-5)
    said["lead_attention"][:], said["sequence_attention"][:] = 1 / 4, 1 / 7
    np.testing.assert_allclose(weighted_errors(ecg, said), errors, rtol=1e-5)


def test_scores_with_attention_and_a_latent_space():
    ecg, said = outputs()
    found = anomaly_scores(ecg, said)
    assert found.shape == (3, LATENT + 2 * 5)
    errors, variance = (ecg - said["reconstruction"]) ** 2, np.exp(said["log_variance"])
    kl = divergences(said)
    likelihood = norm.logpdf(ecg, said["reconstruction"], np.sqrt(variance)).sum(axis=(1, 2))
    np.testing.assert_allclose(found[:, LOSS], (kl.sum(axis=(1, 2)) - likelihood) / (7 * 4), rtol=1e-5)
    expected = weighted_errors(ecg, said).mean(axis=(1, 2)) + kl.mean(axis=(1, 2))
    np.testing.assert_allclose(found[:, PAPER], expected, rtol=1e-5)
    sums = [values.sum(axis=(1, 2)) for values in (errors / variance, said["log_variance"], kl)]
    np.testing.assert_allclose(found[:, CODE], 0.4 * sums[0] + 0.6 * sums[1] + 0.6 * sums[2], rtol=1e-4)
    divergence, mean = split_latent(found)
    np.testing.assert_allclose(divergence, kl.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(mean, said["latent_mean"].mean(axis=1), rtol=1e-4, atol=1e-6)


def test_scores_without_attention():
    ecg, said = outputs()
    plain = without(said, "lead", "sequence")
    mse = np.mean((ecg - said["reconstruction"]) ** 2, axis=(1, 2))
    np.testing.assert_allclose(
        anomaly_scores(ecg, plain)[:, PAPER], mse + divergences(said).mean(axis=(1, 2)), rtol=1e-5
    )


def test_scores_without_a_distribution():
    ecg, said = outputs()
    found = task().summarise({"ecg": ecg}, {"reconstruction": said["reconstruction"]})
    mse = np.mean((ecg - said["reconstruction"]) ** 2, axis=(1, 2))
    np.testing.assert_allclose(found, np.column_stack([mse, mse, mse]), rtol=1e-5)


def test_scores_of_confident_errors_are_finite():
    ecg, said = outputs()
    said["log_variance"][:] = -200.0
    limited = {**said, "log_variance": np.full_like(said["log_variance"], -10.0)}
    np.testing.assert_array_equal(anomaly_scores(ecg, said), anomaly_scores(ecg, limited))


def test_validation_loss_is_of_normal_windows_and_score_is_auroc():
    row = task().validate(SUMMARIES, examples())
    assert row["validation_loss"] == pytest.approx((1 + 2 + 3) / 3)
    assert row["validation_score"] == pytest.approx(sk.roc_auc_score(TRUTH, SCORES)) and row["validation_score"] < 1
    assert (row["kl_00"], row["kl_01"]) == (pytest.approx(0.2), pytest.approx(0.002))
    assert row["active_units"] == 1
    assert set(task().validate(SUMMARIES[:, :LATENT], examples())) == {"validation_loss", "validation_score"}


def test_scores_of_recordings_are_kept_with_their_place_in_the_latent_space():
    kept = task().collect_scores(SUMMARIES, examples())
    assert kept["names"].tolist() == NAMES and kept["abnormal"].tolist() == TRUTH.astype(bool).tolist()
    np.testing.assert_allclose(kept["score"], SCORES)
    np.testing.assert_allclose(kept["latent_mean"][:2], [[1.5, 0.25], [3, 0]])
    np.testing.assert_allclose(kept["divergence"][0], [0.2, 0.0015])
    assert set(task().collect_scores(SUMMARIES[:, :LATENT], examples())) == {"names", "score", "abnormal"}


def test_the_option_chooses_the_score():
    by_code = task("code").validate(SUMMARIES, examples())["validation_score"]
    assert by_code == pytest.approx(sk.roc_auc_score(TRUTH, [9, 1, 2, 8, 3])) == 0


def test_a_validation_part_needs_normal_recordings():
    with pytest.raises(InputError, match="no recording of the validation part is normal"):
        task().validate(SUMMARIES[2:4], examples(["r1", "r2"]))


def test_the_threshold_has_the_highest_f1_on_the_validation_part():
    threshold, scores = task().choose_decision(SUMMARIES, examples())["threshold"], SCORES
    f1 = [sk.f1_score(TRUTH, scores >= t) for t in np.arange(0.05, 1, 0.1)]
    assert sk.f1_score(TRUTH, scores >= threshold) == max(f1) == pytest.approx(6 / 7)
    assert threshold == pytest.approx(0.25)


def test_with_normal_recordings_alone_the_threshold_leaves_few_false_alarms():
    some = examples(["r0", "r3"])
    threshold = task().choose_decision(SUMMARIES[[0, 1, 4]], some)["threshold"]
    assert threshold == pytest.approx(np.quantile([0.2, 0.4], 0.95))


def test_metrics():
    measured = task(threshold=0.45).compute_metrics(SUMMARIES, examples())
    figures = measured.statistic(np.arange(5))
    said = SCORES >= 0.45
    precision, recall, f1, _ = sk.precision_recall_fscore_support(TRUTH, said, average="binary")
    assert figures == pytest.approx(
        {
            ("auroc",): sk.roc_auc_score(TRUTH, SCORES),
            ("auprc",): sk.average_precision_score(TRUTH, SCORES),
            ("f1",): f1,
            ("precision",): precision,
            ("recall",): recall,
        }
    )
    assert measured.headline in figures
    assert measured.details["classes"] == {"normal": {"recordings": 2}, "abnormal": {"recordings": 3}}
    assert measured.details["confusion_matrix"] == [[2, 0], [1, 2]]
    assert measured.patients == [f"patient of r{i}" for i in range(5)]


@pytest.mark.filterwarnings("error")
def test_a_draw_of_one_class_has_no_auroc_auprc():
    figures = task(threshold=0.45).compute_metrics(SUMMARIES, examples()).statistic(np.array([0, 0, 3]))
    assert np.isnan([figures["auroc",], figures["auprc",], figures["recall",], figures["f1",]]).all()


def test_report_compares_the_score_with_the_threshold():
    detector = task(threshold=0.45)
    rows = detector.report(SUMMARIES, detector.inference_examples(MADE, window_spec(10)))
    assert [row["label"] for row in rows] == ["normal", "abnormal", "normal", "normal", "abnormal"]
    assert rows[0] | {"probabilities": {}} == {
        "record": "r0",
        "label": "normal",
        "probabilities": {},
        "score": 0.2,
        "threshold": 0.45,
        "windows": 2,
        "seconds": 0.2,
    }


def test_without_a_threshold_there_is_no_report():
    with pytest.raises(InputError, match="no threshold"):
        task().compute_metrics(SUMMARIES, examples())


def test_localisation_is_aligned_with_the_recording():
    """A sample is reconstructed as 0, hence its error is the square of its number."""
    made = recordings(record("r0", samples=22, labels=("NORM",)), record("r1", samples=8, labels=("MI",)))
    some = task().examples(made, ["r0", "r1"], window_spec(10, stride=5))
    maps = task().localise(lambda inputs: {"reconstruction": np.zeros_like(inputs["ecg"])}, some)
    assert {record: error.shape for record, error in maps.items()} == {0: (22, 1), 1: (8, 1)}
    np.testing.assert_allclose(maps[0][:, 0], np.arange(22.0) ** 2)
    np.testing.assert_allclose(maps[1][:, 0], np.arange(8.0) ** 2)


def test_localisation_averages_overlapping_windows():
    made = recordings(record("r0", samples=15, labels=("NORM",)))
    some = task().examples(made, ["r0"], window_spec(10, stride=5))
    answers = np.arange(len(some))[:, None, None] + np.zeros((1, 10, 1))  # the n-th window is off by n
    maps = task().localise(lambda inputs: {"reconstruction": inputs["ecg"] + answers.astype(np.float32)}, some)
    np.testing.assert_allclose(maps[0][:, 0], [0] * 5 + [0.5] * 5 + [1] * 5)


@pytest.mark.filterwarnings("error")
def test_localisation_is_nan_outside_all_windows():
    made = recordings(record("r0", samples=20, labels=("NORM",)))
    some = task().examples(made, ["r0"], window_spec(4, stride=16))
    maps = task().localise(lambda inputs: {"reconstruction": inputs["ecg"] + 1}, some)
    np.testing.assert_array_equal(maps[0][:, 0], [1] * 4 + [np.nan] * 12 + [1] * 4)
