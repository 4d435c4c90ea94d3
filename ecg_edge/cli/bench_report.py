"""What ecg-edge bench makes of reports: verdicts, ratios, tables, plots."""

from pathlib import Path

from ecg_edge.cli import console
from firmware_bench.runtime.errors import InputError

# CNN-Att-BiLSTM as published (arXiv 2511.08650), measured by its authors on a Raspberry Pi.
PUBLISHED_MS, PUBLISHED_BYTES = 174.0, 3.66e6
LATENCY, SIZE = "latency, median", "model size"


def judge(report: dict, budget_ms: float | None, budget_mb: float | None) -> None:
    """Adds to every result its verdicts against the published figures and the budgets, and, where there are several
    results, how its latency compares with that of the first."""
    for result in report["results"]:
        result["verdicts"] = [
            verdict("published 3.66 MB", result["figures"][SIZE], PUBLISHED_BYTES),
            verdict("published 174 ms", result["figures"][LATENCY], PUBLISHED_MS, not_a_pi(report)),
        ]
        if budget_mb is not None:
            result["verdicts"].append(verdict(f"budget {budget_mb:g} MB", result["figures"][SIZE], budget_mb * 1e6))
        if budget_ms is not None:
            result["verdicts"].append(verdict(f"budget {budget_ms:g} ms", result["figures"][LATENCY], budget_ms))
    first, *others = report["results"]
    if first["rounds"]:
        from firmware_bench.ratios import latency_ratio

        for result in others:
            result["latency ratio to the first"] = latency_ratio(result["rounds"], first["rounds"], paired=True)


def not_a_pi(report: dict) -> str | None:
    """Why a latency measured there is not held against one that was published for a Raspberry Pi."""
    if report["stamp"]:
        return f"published on a Raspberry Pi; this machine is {report['stamp']}"
    if "Raspberry Pi" not in (report["machine"]["board"] or ""):
        return f"published on a Raspberry Pi; this machine is {report['machine']['board'] or 'an unknown board'}"
    return None


def verdict(name: str, figure: dict, limit: float, reason: str | None = None) -> dict:
    """Whether a figure is within `limit`, in its own unit, and at what share of it; no verdict for a `reason`, or where
    the figure is withheld."""
    value = figure["value"]
    if reason or value is None:
        return {"name": name, "limit": limit, "verdict": None, "share": None, "label": reason or figure["label"]}
    met = "met" if value <= limit else "missed"
    return {"name": name, "limit": limit, "verdict": met, "share": value / limit, "label": figure["label"]}


def missed(report: dict) -> list[str]:
    """What makes the exit status 1: budgets that are missed or cannot be judged, and predictions that differ."""
    found = []
    for result in report["results"]:
        for one in result["verdicts"]:
            if one["name"].startswith("budget") and one["verdict"] != "met":
                found.append(f"{called(result)}: {said(one)}")
    found += [f"{one['file']}: {one['windows'] - one['agreeing']} of {one['windows']} windows are predicted otherwise"
              for one in report.get("records", ()) if one["agreeing"] < one["windows"]]  # fmt: skip
    return found


def called(result: dict) -> str:
    return f"{result['file']}, threads {result['threads']}"


def said(one: dict) -> str:
    """A verdict as a line."""
    if one["verdict"] is None:
        return f"{one['name']}: no verdict ({one['label']})"
    return f"{one['name']}: {one['verdict']}, at {one['share']:.1%} of it ({one['label']})"


def show(report: dict) -> None:
    """The harness's own table, then ratios, verdicts and predictions."""
    from firmware_bench.bench_table import format_report

    print(format_report(report))
    print()
    results = report["results"]
    for result in results:
        prefix = f"{called(result)}: " if len(results) > 1 else ""
        for one in result["verdicts"]:
            print(prefix + said(one))
        if "latency ratio to the first" in result:
            ratio = interval(result["latency ratio to the first"])
            print(f"{prefix}{ratio} times the latency of {called(results[0])} (in alternation)")
    for one in report.get("records", ()):
        print(f"{one['file']} on {one['data']}: {one['agreeing']} of {one['windows']} windows of {one['recordings']} "
              f"recordings are predicted as here, {one['how']}")  # fmt: skip
        print(
            f"{one['file']} on {one['data']}: {one['metric']} {number(one['there'])} there, {number(one['here'])} here"
        )


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def interval(ratio: dict) -> str:
    return f"{ratio['value']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"


def write(path: Path, report: dict) -> None:
    """The report as JSON at `path`, and its plot beside it where there are latencies to plot."""
    from firmware_bench.runtime.files import write_json

    write_json(path, report)
    if report["results"][0]["rounds"]:
        plot(report, path.with_suffix(".png"))


def plot(report: dict, path: Path) -> None:
    """Latencies as distributions and over time, with the temperature where the machine tells it, as PNG."""
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    from firmware_bench.runtime.files import atomic_write

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    shares, times = figure.subplots(1, 2, width_ratios=(2, 3))
    start = min(one["began"] for result in report["results"] for one in result["rounds"])
    temperatures = []
    for result in report["results"]:
        latencies = np.sort(np.concatenate([one["latencies_ms"] for one in result["rounds"]]))
        shares.step(latencies, np.arange(1, len(latencies) + 1) / len(latencies), label=called(result))
        moments = [one["began"] - start + np.cumsum(one["latencies_ms"]) / 1e3 for one in result["rounds"]]
        values = np.concatenate([one["latencies_ms"] for one in result["rounds"]])
        times.plot(np.concatenate(moments), values, ".", markersize=3)
        temperatures += [(one["began"] - start, one["temperature_celsius"]) for one in result["rounds"]]
    shares.set(xlabel="latency (ms)", ylabel="share of windows", ylim=(0, 1.02), xscale="log")
    shares.legend(fontsize="small")
    times.set(xlabel="time (s)", ylabel="latency (ms)", yscale="log")
    for axis in (shares.xaxis, times.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(StrMethodFormatter("{x:g}"))
    temperatures = sorted(pair for pair in temperatures if pair[1] is not None)
    if temperatures:
        right = times.twinx()
        right.plot(*zip(*temperatures, strict=True), color="tab:red", linewidth=1)
        right.set_ylabel("temperature (°C)", color="tab:red")
    machine = report["machine"]
    figure.suptitle(f"{machine['board'] or machine['cpu']}, {report['versions']['runtime']}, {report['time']}")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


# ------------------------------------------------------------------------------------------------ two reports


def compare(first: Path, second: Path) -> dict:
    """The latencies of two reports, by file and number of threads: medians and the ratio second / first with its
    interval. Raises InputError where one cannot be read or they have nothing in common."""
    from firmware_bench.ratios import latency_ratio

    reports = [read(path) for path in (first, second)]
    alone = all(len({result["file"] for result in report["results"]}) == 1 for report in reports)

    def by_key(report):  # reports on one model each are comparable whatever its file is called
        return {(None if alone else one["file"], one["threads"]): one for one in report["results"]}

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


def read(path: Path) -> dict:
    """A report that bench wrote. Raises InputError."""
    from firmware_bench.runtime.files import read_json

    try:
        report = read_json(path)
        if report["format"] != 2 or not report["results"]:
            raise ValueError
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is not a report of ecg-edge bench: make one with --out") from None
    return report


def show_comparison(compared: dict) -> None:
    """Both machines, then a row for each model and number of threads."""
    for letter, one in zip("AB", compared["reports"], strict=True):
        stamp = f", {one['stamp']}" if one["stamp"] else ""
        print(f"{letter}: {one['report']}, {one['time']}, {one['board'] or one['cpu']} ({one['host']}){stamp}")
    rows = []
    for one in compared["latency"]:
        name = one["files"][0] if len(set(one["files"])) == 1 else " / ".join(one["files"])
        medians = ["withheld" if value is None else f"{value:.3g} ms" for value in one["median_ms"]]
        ratio = interval(one["ratio"]) if one["ratio"] else "-"
        rows.append([name, one["threads"], *medians, ratio, " / ".join(map(str, one["rounds"]))])
    console.table(
        "Median latency, ratio B / A with its 95 % interval by bootstrap over rounds",
        ["model", "threads", "A", "B", "B / A", "rounds"],
        rows,
    )
