"""The section on an anomaly detector: its scores and its latent space, normal against abnormal recordings."""

import numpy as np

from ecg_edge.html_report.curves import project
from ecg_edge.html_report.page_model import Cell, PageSection, Paragraph, TextTable
from ecg_edge.html_report.run_forms import Evaluation
from ecg_edge.html_report.run_parts import RunParts
from ecg_edge.html_report.xy_chart import Series, XYChart, draw_chart
from ecg_edge.tasks.anomaly import ACTIVE_NATS

MOST_DOTS = 800  # of each class
BINS = 30
KINDS = ("normal", "abnormal")


def make_latent_section(parts: RunParts) -> PageSection | None:
    """The section; None where the run is no anomaly detector."""
    detectors = [each for each in parts.evaluations if "abnormal" in each.scores and len(each.scores["abnormal"])]
    if not detectors:
        if parts.facts is None or parts.facts.task.get("name") != "anomaly":
            return None
        missing = f"No scores of recordings are kept: ecg-edge evaluate {parts.path} makes them."
        return PageSection("Scores and latent space", [Paragraph(missing, "missing")])
    each = detectors[0]
    scores = each.scores
    blocks: list[object] = [Paragraph(f"{each.title}: {len(scores['abnormal']):,} recordings."), _draw_scores(each)]
    if "latent_mean" in scores:
        blocks += [_draw_latent(each), _tabulate_divergence(each)]
    else:
        blocks.append(Paragraph("The model has no latent distribution.", "note"))
    return PageSection("Scores and latent space", blocks)


def _draw_scores(each: Evaluation) -> XYChart:
    """The distributions of the scores, as shares of recordings."""
    scores, abnormal = each.scores["score"].astype(float), each.scores["abnormal"]
    low, high = np.quantile(scores, [0.0, 0.99])
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    series = []
    for name, mask in zip(KINDS, (~abnormal, abnormal), strict=True):
        if mask.any():
            counts, _ = np.histogram(np.clip(scores[mask], edges[0], edges[-1]), edges)
            series.append(Series(f"{name} ({mask.sum():,})", (edges[:-1] + edges[1:]) / 2, counts / mask.sum()))
    medians = "; ".join(
        f"median {np.median(scores[mask]):.3g} of {name}"
        for name, mask in zip(KINDS, (~abnormal, abnormal), strict=True)
        if mask.any()
    )
    notes = ["The last bin has all higher scores.", *(
        [] if each.figures.threshold is None else [f"Dotted: the threshold, {each.figures.threshold:.3g}."]
    )]  # fmt: skip
    return draw_chart("Anomaly scores", f"Distribution of anomaly scores: {medians}", ("score", "share"), series,
                      mark=each.figures.threshold, notes=notes)  # fmt: skip


def _draw_latent(each: Evaluation) -> XYChart:
    """The latent means on their first two principal components, a dot for each recording."""
    points, shares = project(each.scores["latent_mean"].astype(float))
    abnormal, series = each.scores["abnormal"], []
    for number, (name, mask) in enumerate(zip(KINDS, (~abnormal, abnormal), strict=True)):
        chosen = np.flatnonzero(mask)
        chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), MOST_DOTS)).astype(int)] if len(chosen) else []
        if len(chosen):
            series.append(Series(f"{name} ({mask.sum():,})", points[chosen, 0], points[chosen, 1], True, number))
    notes = [f"The components have {shares[0]:.0%} and {shares[1]:.0%} of the variance."]
    if max(abnormal.sum(), (~abnormal).sum()) > MOST_DOTS:
        notes.append(f"At most {MOST_DOTS} dots of each kind, evenly spaced.")
    described = "Latent means of recordings, normal against abnormal, on two principal components"
    return draw_chart("Latent space", described, ("first component", "second component"), series, notes=notes)


def _tabulate_divergence(each: Evaluation) -> TextTable:
    """The KL divergence of every latent dimension, its mean over normal and over abnormal recordings."""
    divergence, abnormal = each.scores["divergence"].astype(float), each.scores["abnormal"]
    means = [divergence[mask].mean(axis=0) if mask.any() else np.full(divergence.shape[1], np.nan)
             for mask in (~abnormal, abnormal)]  # fmt: skip
    largest = max(float(np.nanmax(np.concatenate(means))), 1e-12)
    rows = [
        [str(number), *(Cell(f"{mean[number]:.3f}", bar=max(0.0, float(np.nan_to_num(mean[number] / largest))))
                        for mean in means)]
        for number in np.argsort(-np.nan_to_num(means[0])).tolist()
    ]  # fmt: skip
    active = int(np.sum(means[0] > ACTIVE_NATS))
    notes = [f"Mean over time steps and recordings. Active on normal recordings: {active} of {len(rows)} dimensions, "
             f"above {ACTIVE_NATS:g} nats (arXiv 1509.00519)."]  # fmt: skip
    return TextTable("KL divergence of the latent dimensions, nats", ["dimension", *KINDS], rows, notes)
