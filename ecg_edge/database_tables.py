"""The tables of ecg-edge data: databases, and what is wrong with the recordings of one."""

from collections.abc import Mapping, Sequence

from ecg_edge import console

SHOWN = 50  # findings
LABELS = 9  # of a database


def print_databases(found: Mapping[str, Mapping]) -> None:
    """Print databases.

    Args:
        found: Name → what records.summary.describe_database says.
    """
    rows = []
    for name, facts in found.items():
        labels = [f"{label} {count}" for label, count in facts["labels"].items()]
        shown = ", ".join(labels[:LABELS]) + (f", … ({len(labels)} labels)" if len(labels) > LABELS else "")
        if facts["annotated"]:
            shown += ("; " if shown else "") + facts["annotated"]
        place = facts["folder"] or ("-" if facts["records"] is None else "embedded")
        records = "-" if facts["records"] is None else facts["records"]
        rows.append([name, facts["title"], place, records, facts["problem"] or shown, facts["licence"]])
    console.table("Databases", ["name", "what it is", "where", "recordings", "labels", "licence"], rows)


def print_findings(name: str, findings: Sequence) -> None:
    """Print the findings of records.check about a database, errors first, at most 50.

    Args:
        name: Of the database.
        findings: records.check.Finding of its records.
    """
    ordered = sorted(findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
    rows = [[finding.record, finding.severity, finding.text] for finding in ordered[:SHOWN]]
    console.table(f"{name}: findings", ["record", "severity", "what"], rows)
    if len(ordered) > SHOWN:
        console.log(f"and {len(ordered) - SHOWN} findings more: --json lists all")
