"""The chapter that compares runs."""

from collections.abc import Sequence
from typing import Any

from ecg_edge.html_report.device_sections import list_latencies
from ecg_edge.html_report.evaluation_sections import tabulate_metrics
from ecg_edge.html_report.page_model import Chapter, PageSection, Paragraph, TextTable
from ecg_edge.html_report.run_parts import RunParts
from ecg_edge.html_report.training_sections import SECTIONS_OF_SETTINGS, draw_scores
from ecg_edge.number_format import UNDEFINED


def compare(runs: Sequence[tuple[str, RunParts]]) -> Chapter:
    """Compare runs: what differs in their settings, their figures, validation scores, sizes and latencies.

    Args:
        runs: Name and parts of each.
    """
    evaluations = [(f"{name}: {each.title}", each) for name, parts in runs for each in parts.evaluations]
    blocks: list[object] = [tabulate_metrics(evaluations)] if evaluations else []
    tested = {(each.figures.data, each.figures.units) for _, each in evaluations}
    if len(tested) > 1:
        warning = "The models were not evaluated on the same recordings: their figures cannot be compared."
        blocks.append(Paragraph(warning, "missing"))
    if not evaluations:
        blocks.append(Paragraph("None of the runs is evaluated: ecg-edge evaluate RUN.", "missing"))
    sections = [PageSection("Figures", blocks), PageSection("What differs", [_tabulate_settings(runs)])]
    if chart := draw_scores([*runs]):
        sections.append(PageSection("Training", [chart]))
    rows = [[f"{name}: {file}", f"{size / 1e6:.3f} MB", UNDEFINED] for name, parts in runs
            for file, size in parts.sizes.items()]  # fmt: skip
    rows += [[f"{name}: {file}", UNDEFINED, f"{value:.3g} ms, {machine}"] for name, parts in runs
             for file, machine, value, _ in list_latencies(parts)]  # fmt: skip
    if rows:
        sections.append(
            PageSection("Size and latency", [TextTable("Exported files", ["file", "size", "latency"], rows)])
        )
    return Chapter("Comparison", "comparison", sections)


def _tabulate_settings(runs: Sequence[tuple[str, RunParts]]) -> object:
    """The settings that are not the same in all runs."""
    flat = [_flatten(parts) for _, parts in runs]
    keys = dict.fromkeys(key for each in flat for key in each)
    rows = [
        [key, *(str(each.get(key, UNDEFINED)) for each in flat)]
        for key in keys
        if any(each.get(key) != flat[0].get(key) for each in flat)
    ]
    if not rows:
        return Paragraph("The runs have the same settings.", "note")
    return TextTable("Settings that differ", ["setting", *(name for name, _ in runs)], rows, numbers=False)


def _flatten(parts: RunParts) -> dict[str, Any]:
    facts = parts.facts
    if facts is None:
        return {}
    plain = {"arch": facts.arch, "preset": facts.preset, "data": facts.data, "seed": facts.seed,
             "leads": " ".join(facts.leads), "classes": " ".join(facts.classes)}  # fmt: skip
    nested = {f"{name}.{key}": value for name in SECTIONS_OF_SETTINGS for key, value in getattr(facts, name).items()}
    return plain | nested
