"""An evaluation as tables on the terminal."""

from ecg_edge import console
from ecg_edge.number_format import format_estimate, format_interval, format_number
from ecg_edge.tasks.metrics import display_name


def print_tables(values: dict) -> None:
    """Print the overall metrics, those of the classes, the confusion matrix, calibration and risk by coverage.

    Args:
        values: Of an evaluation, plain data. Of further variants the overall metrics are printed.
    """
    unit = values["unit"]
    title = f"{values['model']} on {values['data']}: {values[unit]} {unit} of {values['patients']} patients"
    if values["views"] > 1:
        title += f", {values['views']} windows each"
    for name, metrics in {values.get("variant", ""): values, **values.get("variants", {})}.items():
        rows = [
            [metrics.get("score_name", key) if key == "score" else display_name(key),
             format_number(estimate["value"]), format_interval(estimate)]
            for key, estimate in metrics.items() if isinstance(estimate, dict) and "value" in estimate
        ]  # fmt: skip
        console.table(f"{title}; {name}" if name else title, ["metric", "value", "95 % interval"], rows)
    classes = values.get("classes", {})
    names = [key for key, estimate in next(iter(classes.values()), {}).items() if isinstance(estimate, dict)]
    if classes:
        rows = [
            [name, metrics.get(unit, ""), *(format_estimate(metrics[key]) for key in names)]
            for name, metrics in classes.items()
        ]
        console.table("Classes", ["class", unit, *names], rows)
    if "confusion_matrix" in values:
        console.table(
            "Confusion matrix: true class by row",
            ["", *classes],
            [[name, *row] for name, row in zip(classes, values["confusion_matrix"], strict=True)],
        )
    if "calibration" in values:
        _print_calibration(values["calibration"])
    if "risk_coverage" in values:
        rows = [
            [f"{row['unsure_below']:g}", f"{row['coverage']:.3f}", "" if row["risk"] is None else f"{row['risk']:.3f}"]
            for row in values["risk_coverage"]
        ]
        console.table('Saying "unsure"', ["below", f"share of {unit} with a label", "of these wrong"], rows)


def _print_calibration(calibration: dict) -> None:
    before, after, temperature = calibration["before"], calibration["after"], calibration["temperature"]
    rows = [[name.replace("_", " "), f"{before[name]:.4f}", f"{after[name]:.4f}"] for name in before]
    chosen = "none chosen" if temperature is None else f"T = {temperature:g}"
    console.table(f"Probabilities; temperature: {chosen}", ["", "before the temperature", "after it"], rows)
