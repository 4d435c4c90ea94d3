"""The tables of ecg-edge bench: reports of one machine, and two of them compared."""

from ecg_edge import console


def print_report(report: dict) -> None:
    """Print the harness's own table, then ratios, verdicts and predictions."""
    from ecg_edge.api.bench_reports import describe_verdict, result_name
    from ecg_edge.number_format import format_estimate, format_number
    from firmware_bench.bench_table import format_report

    print(format_report(report))
    print()
    results = report["results"]
    for result in results:
        prefix = f"{result_name(result)}: " if len(results) > 1 else ""
        for one in result["verdicts"]:
            print(prefix + describe_verdict(one))
        if "latency ratio to the first" in result:
            ratio = format_estimate(result["latency ratio to the first"])
            print(f"{prefix}{ratio} times the latency of {result_name(results[0])} (in alternation)")
    for one in report.get("chains", ()):
        latency = "withheld" if one["milliseconds"] is None else f"{one['milliseconds']:.3g} ms"
        print(f"{' with '.join(one['files'])}: {latency} for a rhythm of {one['beats']} beats ({one['label']})")
    for one in report.get("records", ()):
        title = f"{one['file']} on {one['data']}"
        print(f"{title}: {one['agreeing']} of {one['windows']} windows of {one['recordings']} recordings are predicted "
              f"as here, {one['how']}")  # fmt: skip
        there, here = format_number(one["there"], 4), format_number(one["here"], 4)
        print(f"{title}: {one['metric']} {there} there, {here} here")


def print_comparison(compared: dict) -> None:
    """Print both machines, then a row for each model and number of threads."""
    from ecg_edge.number_format import UNDEFINED, format_estimate

    for letter, one in zip("AB", compared["reports"], strict=True):
        stamp = f", {one['stamp']}" if one["stamp"] else ""
        print(f"{letter}: {one['report']}, {one['time']}, {one['board'] or one['cpu']} ({one['host']}){stamp}")
    rows = []
    for one in compared["latency"]:
        name = one["files"][0] if len(set(one["files"])) == 1 else " / ".join(one["files"])
        medians = ["withheld" if value is None else f"{value:.3g} ms" for value in one["median_ms"]]
        ratio = format_estimate(one["ratio"]) if one["ratio"] else UNDEFINED
        rows.append([name, one["threads"], *medians, ratio, " / ".join(map(str, one["rounds"]))])
    title = "Median latency, ratio B / A with its 95 % interval by bootstrap over rounds"
    console.table(title, ["model", "threads", "A", "B", "B / A", "rounds"], rows)
