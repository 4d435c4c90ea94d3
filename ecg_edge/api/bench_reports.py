"""Reports of measured speed and memory: verdicts against budgets, comparison of two reports, plots."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecg_edge.extras import require
from ecg_edge.text_length import shorten_left
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# CNN-Att-BiLSTM as published (arXiv 2511.08650), measured by its authors on a Raspberry Pi.
PUBLISHED_MS, PUBLISHED_BYTES = 174.0, 3.66e6
LATENCY, SIZE = "latency, median", "model size"
LEGEND_CHARACTERS, TITLE_CHARACTERS = 100, 90  # that fit the width of the plot
MOST_TICKS = 5  # of a logarithmic axis
NARROW, WIDE = 4.0, 100.0  # between its ends: it has the ticks of a linear axis; powers of ten alone


def add_verdicts(report: dict[str, Any], budget_ms: float | None, budget_mb: float | None) -> None:
    """Add to every result its verdicts against the published figures and the budgets.

    Where there are several results, each also gets the ratio of its latency to that of the first.

    Args:
        report: A report of `bench`; it is changed.
        budget_ms: The median latency has to be within, ms; None: no such budget.
        budget_mb: The file has to be within, 10^6 bytes; None: no such budget.
    """
    for result in report["results"]:
        figures = result["figures"]
        result["verdicts"] = [
            verdict("published 3.66 MB", figures[SIZE], PUBLISHED_BYTES),
            verdict("published 174 ms", figures[LATENCY], PUBLISHED_MS, _reason_not_comparable(report)),
        ]
        if budget_mb is not None:
            result["verdicts"].append(verdict(f"budget {budget_mb:g} MB", figures[SIZE], budget_mb * 1e6))
        if budget_ms is not None:
            result["verdicts"].append(verdict(f"budget {budget_ms:g} ms", figures[LATENCY], budget_ms))
    first, *others = report["results"]
    if first["rounds"]:
        from firmware_bench.rpi.latency_ratio import latency_ratio

        for result in others:
            result["latency ratio to the first"] = latency_ratio(result["rounds"], first["rounds"], paired=True)


def verdict(name: str, figure: dict[str, Any], limit: float, reason: str | None = None) -> dict[str, Any]:
    """Compare a figure with a limit.

    Args:
        name: What the limit is called.
        figure: {"value", "label"}; the value is None where it is withheld.
        limit: The limit, in the figure's unit.
        reason: Why the figure cannot be held against the limit, or None.

    Returns:
        {"name", "limit", "verdict", "share", "label"}; the verdict is "met", "missed" or None.
    """
    value = figure["value"]
    if reason or value is None:
        return {"name": name, "limit": limit, "verdict": None, "share": None, "label": reason or figure["label"]}
    met = "met" if value <= limit else "missed"
    return {"name": name, "limit": limit, "verdict": met, "share": value / limit, "label": figure["label"]}


def list_failures(report: dict[str, Any]) -> list[str]:
    """Return a line for each budget that is missed or cannot be judged, and for each file predicted otherwise."""
    failures = []
    for result in report["results"]:
        for one in result["verdicts"]:
            if one["name"].startswith("budget") and one["verdict"] != "met":
                failures.append(f"{result_name(result)}: {describe_verdict(one)}")
    for one in report.get("records", ()):
        if one["agreeing"] < one["windows"]:
            different = one["windows"] - one["agreeing"]
            failures.append(f"{one['file']}: {different} of {one['windows']} windows are predicted otherwise")
    return failures


def result_name(result: dict[str, Any]) -> str:
    """Return the name of a result: its file and its number of threads."""
    return f"{result['file']}, threads {result['threads']}"


def describe_verdict(one: dict[str, Any]) -> str:
    """Return a verdict as a line."""
    if one["verdict"] is None:
        return f"{one['name']}: no verdict ({one['label']})"
    return f"{one['name']}: {one['verdict']}, at {one['share']:.1%} of it ({one['label']})"


def write_plot(path: Path, report: dict[str, Any]) -> None:
    """Write the plot of a report as PNG.

    Args:
        path: The file.
        report: The report; it has latencies.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure = plot_latencies(report)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def plot_latencies(report: dict[str, Any]) -> "Figure":
    """Plot latencies as distributions and over time, with the temperature where the machine reports it.

    Args:
        report: The report; it has latencies.

    Returns:
        A matplotlib figure.

    Raises:
        InputError: matplotlib is not installed.
    """
    require("plot", "the plot of a report")
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2 + 0.2 * len(report["results"])), layout="constrained")
    shares, times = figure.subplots(1, 2, width_ratios=(2, 3))
    start = min(one["began"] for result in report["results"] for one in result["rounds"])
    temperatures, lowest, highest = [], np.inf, 0.0
    for result in report["results"]:
        name = shorten_left(result_name(result), LEGEND_CHARACTERS)
        values = np.concatenate([one["latencies_ms"] for one in result["rounds"]])
        shares.step(np.sort(values), np.arange(1, len(values) + 1) / len(values), label=name)
        moments = [one["began"] - start + np.cumsum(one["latencies_ms"]) / 1e3 for one in result["rounds"]]
        times.plot(np.concatenate(moments), values, ".", markersize=3)
        temperatures += [(one["began"] - start, one["temperature_celsius"]) for one in result["rounds"]]
        lowest, highest = min(lowest, values.min()), max(highest, values.max())
    shares.set(xlabel="latency (ms)", ylabel="share of windows", ylim=(0, 1.02), xscale="log")
    times.set(xlabel="time (s)", ylabel="latency (ms)", yscale="log")
    for axis in (shares.xaxis, times.yaxis):
        _label_log_axis(axis, lowest, highest)
    temperatures = sorted(pair for pair in temperatures if pair[1] is not None)
    if temperatures:
        right = times.twinx()
        right.plot(*zip(*temperatures, strict=True), color="tab:red", linewidth=1)
        right.set_ylabel("temperature (°C)", color="tab:red")
    machine = report["machine"]
    title = f"{machine['board'] or machine['cpu']}, {report['versions']['runtime']}, {report['time']}"
    figure.suptitle(shorten_left(title, TITLE_CHARACTERS), parse_math=False, fontsize="medium")
    for text in figure.legend(loc="outside lower center", fontsize="small").get_texts():
        text.set_parse_math(False)
    return figure


def _label_log_axis(axis: "Axis", lowest: float, highest: float) -> None:
    """Put a few round values on a logarithmic axis, so far apart that their labels do not meet."""
    import numpy as np
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, StrMethodFormatter

    low, high = 0.95 * lowest, 1.05 * highest
    if high < NARROW * low:
        ticks = MaxNLocator(3).tick_values(low, high)
    else:
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.log10(high) + 1)
        ticks = powers[:: -(-len(powers) // MOST_TICKS)] if high > WIDE * low else np.outer(powers, (1, 3)).ravel()
    (axis.axes.set_xlim if axis is axis.axes.xaxis else axis.axes.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator([float(tick) for tick in ticks if low <= tick <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def compare_reports(first: Path, second: Path) -> dict[str, Any]:
    """Compare the latencies of two reports, by file and number of threads.

    Args:
        first: A report that `bench` wrote.
        second: Another.

    Returns:
        {"reports": about both, "latency": per file and number of threads both medians in ms and the ratio second /
        first with its 95 % interval}.

    Raises:
        InputError: A report cannot be read, or they have nothing in common.
    """
    from firmware_bench.rpi.device_report import read_report
    from firmware_bench.rpi.latency_ratio import latency_ratio

    reports = [read_report(path) for path in (first, second)]
    single = all(len({result["file"] for result in report["results"]}) == 1 for report in reports)

    def by_key(report):  # reports on one model each are comparable whatever its file is called
        return {(None if single else one["file"], one["threads"]): one for one in report["results"]}

    ours, theirs = map(by_key, reports)
    common = [key for key in ours if key in theirs]
    if not common:
        raise InputError(f"{first} and {second} have no model with the same number of threads in common")
    rows = []
    for key in common:
        a, b = ours[key], theirs[key]
        rows.append(
            {
                "files": [a["file"], b["file"]],
                "threads": a["threads"],
                "median_ms": [one["figures"][LATENCY]["value"] for one in (a, b)],
                "rounds": [len(one["rounds"]) for one in (a, b)],
                # Rounds of two reports were not measured in alternation.
                "ratio": latency_ratio(b["rounds"], a["rounds"], paired=False) if a["rounds"] and b["rounds"] else None,
            }
        )
    about = [
        {
            "report": str(path),
            "time": report["time"],
            "stamp": report["stamp"],
            "runtime": report["versions"]["runtime"],
            **{key: report["machine"][key] for key in ("host", "board", "cpu")},
        }
        for path, report in zip((first, second), reports, strict=True)
    ]
    return {"reports": about, "latency": rows}


def _reason_not_comparable(report: dict[str, Any]) -> str | None:
    """Return why a latency is not held against one that was published for a Raspberry Pi."""
    if report["stamp"]:
        return f"published on a Raspberry Pi; this machine is {report['stamp']}"
    if "Raspberry Pi" not in (report["machine"]["board"] or ""):
        return f"published on a Raspberry Pi; this machine is {report['machine']['board'] or 'an unknown board'}"
    return None
