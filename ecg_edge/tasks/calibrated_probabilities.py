"""The temperature of a classifier: chosen on the validation part, and how well its probabilities hold elsewhere.

The units are those of the task's metrics: recordings, bouts or beats.
"""

from typing import Any

import numpy as np

from ecg_edge.data.examples import Examples
from ecg_edge.tasks.task import Task
from firmware_bench.runtime.metadata import TEMPERATURES
from firmware_bench.runtime.temperature import SMALLEST, apply_temperature

BINS = 15  # of the calibration error, as in Guo et al., ICML 2017, section 3
HALVINGS = 30  # of the range of 1/T
UNSURE_BELOW = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def choose_decision(task: Task, summaries: np.ndarray, examples: Examples) -> dict[str, Any]:
    """Choose the task's thresholds and, of a classifier, its temperature, on the validation part.

    Args:
        task: The task.
        summaries: What it keeps of the model's outputs, (n, k).
        examples: The examples of the validation part, n.

    Returns:
        Plain data, the task's new `decision`.
    """
    decision = task.choose_decision(summaries, examples)
    probabilities, truth = task.pair_with_truth(summaries, examples)
    if len(probabilities):
        decision["temperature"] = round(fit_temperature(probabilities, truth, task.output == "classes"), 4)
    return decision


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray, exclusive: bool) -> float:
    """Find the temperature with the least negative log-likelihood, within TEMPERATURES.

    The negative log-likelihood is convex in 1/T, so the sign of its derivative says on which side the minimum lies.

    Args:
        probabilities: (n, classes), as the model gives them.
        truth: bool (n, classes).
        exclusive: Whether one class is present (softmax), not any number of labels (sigmoids).
    """
    p = np.clip(np.asarray(probabilities, np.float64), SMALLEST, 1 - SMALLEST)
    logits = np.log(p) if exclusive else np.log(p / (1 - p))
    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        calibrated = apply_temperature(probabilities, 1 / middle, exclusive)
        if np.sum(logits * (calibrated - truth)) > 0:
            high = middle
        else:
            low = middle
    return 2 / (low + high)


def measure_calibration(task: Task, summaries: np.ndarray, examples: Examples) -> dict[str, Any]:
    """Measure how well probabilities hold, before and after the temperature, and what leaving out the unsure brings.

    Args:
        task: The task, with its temperature.
        summaries: What it keeps of the model's outputs, (n, k).
        examples: The examples, n.

    Returns:
        "calibration": the temperature, and "before" and "after" it the expected calibration error and the Brier score;
        "risk_coverage", where a unit has one class: see `tabulate_risk`. Empty where the task has no probabilities.
    """
    probabilities, truth = task.pair_with_truth(summaries, examples)
    if not len(probabilities):
        return {}
    exclusive, after = task.output == "classes", task.calibrate(probabilities)
    figures = {
        name: {
            "expected_calibration_error": round(calibration_error(values, truth, exclusive), 4),
            "brier_score": round(float(np.mean(((values - truth) ** 2).sum(axis=1))), 4),
        }
        for name, values in (("before", probabilities), ("after", after))
    }
    measured: dict[str, Any] = {"calibration": {"temperature": task.decision.get("temperature"), **figures}}
    if exclusive:
        measured["risk_coverage"] = tabulate_risk(after, truth)
    return measured


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, exclusive: bool) -> float:
    """Expected calibration error: the mean distance between what is said and what holds, over BINS equal bins.

    Guo et al., ICML 2017, equation 3. Where labels are independent, every label of every unit counts with its own
    probability; otherwise the largest probability of each unit counts.

    Args:
        probabilities: (n, classes).
        truth: bool (n, classes).
        exclusive: Whether one class is present.
    """
    if exclusive:
        chosen = probabilities.argmax(axis=1)[:, None]
        said, held = (np.take_along_axis(values, chosen, axis=1).ravel() for values in (probabilities, truth))
    else:
        said, held = probabilities.ravel(), truth.ravel()
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    differences = np.bincount(bins, said, BINS) - np.bincount(bins, held, BINS)
    return float(np.abs(differences).sum() / len(said))


def tabulate_risk(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, float | None]]:
    """List what a model does where it may say "unsure".

    Args:
        probabilities: (n, classes), calibrated.
        truth: bool (n, classes), one class each.

    Returns:
        For each of 0 and UNSURE_BELOW: "unsure_below", the probability below which it is unsure; "coverage", the share
        of units of which it is sure; "risk", the share of these whose label is wrong, None where there are none.
    """
    largest = probabilities.max(axis=1)
    wrong = ~np.take_along_axis(truth, probabilities.argmax(axis=1)[:, None], axis=1).ravel()
    rows = []
    for threshold in (0.0, *UNSURE_BELOW):
        sure = largest >= threshold
        risk = round(float(wrong[sure].mean()), 4) if sure.any() else None
        rows.append({"unsure_below": threshold, "coverage": round(float(sure.mean()), 4), "risk": risk})
    return rows
