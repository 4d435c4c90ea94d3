"""The report of bench_rpi as aligned text."""
# ruff: noqa: B905 - Python 3.9 has no zip(strict=)

from __future__ import annotations


def format_report(report: dict) -> str:
    """Return a report of `measurement.measure_models` as aligned tables.

    First the figures, with a column for each model and number of threads, then the facts about the machine.
    """

    def format_figure(figure):
        number, unit = figure["value"], figure["unit"]
        if number is None:
            return "-"
        if unit == "bytes":
            return f"{number:,} bytes"
        return f"{number:,.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"

    def format_reference(reference):
        limit = reference["tolerance"]
        return f"{reference['vectors']} " + ("equal" if limit is None else f"within {limit:g}")

    def format_change(name):
        sides = [report["conditions"][side][name] for side in ("before", "after")]
        return " to ".join(map(format_fact, sides if sides[0] != sides[1] else sides[:1]))

    def format_fact(fact):
        return "-" if fact is None else str(fact)

    results = report["results"]
    rows = [("", [one["file"] for one in results], ""), ("threads", [str(one["threads"]) for one in results], "")]
    for name, first in results[0]["figures"].items():
        rows.append((name, [format_figure(one["figures"][name]) for one in results], first["label"]))
    rows.append(
        ("reference windows", [format_reference(one["reference"]) for one in results], "reproduced before any figure")
    )
    rows.append(("windows", [str(one["windows"]) for one in results], "after the warm-up"))
    facts = {"stamp": report["stamp"], **report["machine"], **report["versions"]}
    machine = [(name.replace("_", " "), [format_fact(fact)], "") for name, fact in facts.items()]
    machine += [(name.replace("_", " "), [format_change(name)], "") for name in report["conditions"]["before"]]
    return "\n".join([*align_columns(rows), "", *align_columns(machine)])


def align_columns(rows) -> list[str]:
    """Return rows, each a name, a list of cells and a note, as lines with aligned columns."""
    name = max(len(row[0]) for row in rows)
    widths = [max(map(len, column)) for column in zip(*(row[1] for row in rows))]
    return [
        "  ".join([f"{row[0]:{name}}", *(f"{cell:{width}}" for cell, width in zip(row[1], widths)), row[2]]).rstrip()
        for row in rows
    ]
