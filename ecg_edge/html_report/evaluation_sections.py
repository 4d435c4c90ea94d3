"""The sections on how right a model is: figures with intervals, confusion, curves, calibration."""

import numpy as np

from ecg_edge.html_report.curves import find_precision_recall, find_reliability, find_roc
from ecg_edge.html_report.page_model import Cell, PageSection, Paragraph, TextTable
from ecg_edge.html_report.run_forms import Evaluation
from ecg_edge.html_report.run_parts import RunParts
from ecg_edge.html_report.xy_chart import STYLES, Series, draw_chart
from ecg_edge.number_format import format_estimate, format_number
from ecg_edge.tasks.metrics import binary_auroc_auprc, display_name
from firmware_bench.runtime.temperature import apply_temperature

MOST_CURVES = STYLES  # in a chart: as many as can be told apart
MOST_CONFUSED = 12  # classes of a confusion matrix that is shown


def make_figures_section(parts: RunParts) -> PageSection:
    """The overall metrics, those of the classes, confusion matrices, of every evaluation side by side."""
    evaluations = parts.evaluations
    if not evaluations:
        return PageSection("Figures", [_say_missing(parts)])
    blocks: list[object] = [
        Paragraph(f"{each.title}: {each.figures.data}, {each.figures.units:,} {each.figures.unit} of "
                  f"{each.figures.patients:,} patients.") for each in evaluations
    ]  # fmt: skip
    blocks.append(tabulate_metrics([(each.title, each) for each in evaluations]))
    blocks += _tabulate_classes(evaluations)
    blocks += [_tabulate_confusion(each) for each in evaluations if each.figures.confusion_matrix]
    return PageSection("Figures", blocks)


def tabulate_metrics(evaluations: list[tuple[str, Evaluation]]) -> TextTable:
    """The overall metrics: a row each, a column for every (name, evaluation)."""
    names = dict.fromkeys(name for _, each in evaluations for name in each.figures.metrics)
    titles = {each.figures.score_name for _, each in evaluations if "score" in each.figures.metrics}
    rows = [
        [(titles.pop() if name == "score" and len(titles) == 1 else display_name(name)),
         *(_show_estimate(each.figures.metrics.get(name)) for _, each in evaluations)]
        for name in names
    ]  # fmt: skip
    note = "95 % intervals by bootstrap over patients."
    return TextTable("Overall", ["metric", *(name for name, _ in evaluations)], rows, [note])


def make_curves_section(parts: RunParts) -> PageSection:
    """Receiver operating characteristic and precision over recall, of the first evaluation that keeps its scores."""
    title = "ROC and precision–recall"
    for each in parts.evaluations:
        columns = list_columns(each)
        if columns:
            return PageSection(
                title, [Paragraph(f"{each.title}; each class against the rest."), *_draw_curves(columns)]
            )
    return PageSection(title, [_say_missing(parts, scores=True)])


def make_calibration_section(parts: RunParts) -> PageSection:
    """Reliability before and after the temperature."""
    blocks: list[object] = []
    rows = []
    for each in parts.evaluations:
        if figures := each.figures.calibration:
            before, after = figures.before, figures.after
            rows.append([each.title, "none" if figures.temperature is None else f"{figures.temperature:g}",
                         *(f"{one:.4f}" for one in (before.expected_calibration_error,
                           after.expected_calibration_error, before.brier_score, after.brier_score))])  # fmt: skip
    if rows:
        columns = ["model", "temperature", "ECE before", "ECE after", "Brier before", "Brier after"]
        notes = ["ECE: expected calibration error, Guo et al., ICML 2017. The temperature is of the validation part."]
        blocks.append(TextTable("Probabilities", columns, rows, notes))
    charts = [chart for each in parts.evaluations if (chart := _draw_reliability(each))]
    if parts.facts and parts.facts.task.get("name") == "anomaly":
        return PageSection("Calibration", [Paragraph("An anomaly detector has scores, not probabilities.", "note")])
    if not charts:
        blocks.append(_say_missing(parts, scores=True))
    return PageSection("Calibration", [*blocks, *charts])


def list_columns(each: Evaluation) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(class, bool (n,) whether it is present, scores (n,)) of an evaluation's classes of which both kinds occur."""
    scores = each.scores
    if "probabilities" in scores:
        names, truth, values = each.figures.classes, scores["truth"], scores["probabilities"]
        columns = [(name, truth[:, c], values[:, c]) for c, name in enumerate(names)]
    elif "score" in scores and "abnormal" in scores:
        columns = [("abnormal", scores["abnormal"], scores["score"])]
    else:
        return []
    return [column for column in columns if column[1].any() and not column[1].all()]


def _draw_curves(columns) -> list[object]:
    """Both charts; of many classes the most frequent."""
    shown = sorted(columns, key=lambda column: -column[1].sum())[:MOST_CURVES]
    left_out = [f"The {MOST_CURVES} most frequent of {len(columns)} classes."] if len(columns) > len(shown) else []
    areas = {name: binary_auroc_auprc(positive, scores) for name, positive, scores in shown}
    roc = [
        Series(f"{name}, area {areas[name][0]:.3f}", *find_roc(positive, scores)) for name, positive, scores in shown
    ]
    precision = [
        Series(f"{name}, average precision {areas[name][1]:.3f}", *find_precision_recall(positive, scores))
        for name, positive, scores in shown
    ]
    unit = (0.0, 1.0)
    return [
        draw_chart("Receiver operating characteristic", "ROC: " + "; ".join(each.name for each in roc),
                   ("false positive rate", "true positive rate"), roc, unit, unit, diagonal=True, notes=left_out),
        draw_chart("Precision over recall", "Precision over recall: " + "; ".join(each.name for each in precision),
                   ("recall", "precision"), precision, unit, unit, notes=left_out),
    ]  # fmt: skip


def _draw_reliability(each: Evaluation):
    """How often the largest probability holds; of independent labels every probability."""
    scores, calibration = each.scores, each.figures.calibration
    if "probabilities" not in scores or not len(scores["truth"]):
        return None
    exclusive = bool((scores["truth"].sum(axis=1) == 1).all()) and each.figures.confusion_matrix is not None
    versions = {"before": scores["probabilities"]}
    if calibration and calibration.temperature and calibration.temperature > 0:
        versions["after"] = apply_temperature(scores["probabilities"], calibration.temperature, exclusive)
    series = []
    for name, probabilities in versions.items():
        if exclusive:
            chosen = probabilities.argmax(axis=1)[:, None]
            pair = [np.take_along_axis(values, chosen, 1).ravel() for values in (probabilities, scores["truth"])]
        else:
            pair = [probabilities.ravel(), scores["truth"].ravel()]
        said, held, _ = find_reliability(np.clip(pair[0], 0, 1), pair[1])
        series.append(Series(f"{name} the temperature", said, held))
    described = f"Reliability of {each.title}: " + "; ".join(
        f"{one.name} " + ", ".join(f"{p:.2f} holds {h:.2f}" for p, h in zip(one.x, one.y, strict=True))
        for one in series
    )
    note = "The largest probability of each unit" if exclusive else "Every label's probability"
    unit = (0.0, 1.0)
    return draw_chart(f"Reliability, {each.title}", described, ("probability said", "share that held"), series, unit,
                      unit, diagonal=True, notes=[f"{note}, in ten equal bins."])  # fmt: skip


def _tabulate_classes(evaluations: list[Evaluation]) -> list[TextTable]:
    """The metrics of every class, the evaluations of a class beneath each other; F1 also as a line with a dot."""
    with_classes = [each for each in evaluations if any(each.figures.class_metrics.values())]
    names = dict.fromkeys(name for each in with_classes for name in each.figures.class_metrics)
    metrics = dict.fromkeys(
        metric for each in with_classes for found in each.figures.class_metrics.values() for metric in found
    )
    rows = []
    for name in names:
        for each in with_classes:
            found = each.figures.class_metrics.get(name, {})
            count = each.figures.classes.get(name, {}).get(each.figures.unit, "")
            f1, drawn = found.get("f1"), Cell("")
            if f1 and f1.value is not None and f1.low is not None and f1.high is not None:
                low, value, high = np.clip([f1.low, f1.value, f1.high], 0.0, 1.0).tolist()
                drawn = Cell("", interval=(low, value, high))
            cells = [_show_estimate(found.get(metric)) for metric in metrics]
            rows.append([name, each.title, str(count), drawn, *cells])
    if not rows:
        return []
    header = ["class", "model", with_classes[0].figures.unit, "F1, 0 to 1", *map(display_name, metrics)]
    return [TextTable("Classes", header, rows)]


def _tabulate_confusion(each: Evaluation) -> object:
    matrix, names = each.figures.confusion_matrix or (), [*each.figures.classes]
    if len(names) > MOST_CONFUSED:
        return Paragraph(f"{each.title}: a confusion matrix of {len(names)} classes is not shown.", "note")
    rows = []
    for name, row in zip(names, matrix, strict=True):
        whole = max(sum(row), 1)
        rows.append([name, *(Cell(f"{count:,}", share=count / whole) for count in row)])
    return TextTable(f"Confusion, {each.title}: true class by row", ["", *names], rows, ["Shaded by share of the row."],
                     narrow=True)  # fmt: skip


def _show_estimate(estimate) -> str:
    if estimate is None:
        return ""
    values = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return format_number(estimate.value) if estimate.low is None else format_estimate(values)


def _say_missing(parts: RunParts, scores: bool = False) -> Paragraph:
    what = "No scores of recordings are kept" if scores and parts.evaluations else "No evaluation"
    return Paragraph(f"{what}: ecg-edge evaluate {parts.path} makes them.", "missing")
