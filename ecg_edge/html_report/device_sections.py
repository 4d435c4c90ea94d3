"""The sections on exported files: size, latency, memory on boards, acceptance checks, error of layers."""

from ecg_edge.api.bench_reports import LATENCY, PUBLISHED_BYTES, PUBLISHED_MS
from ecg_edge.html_report.page_model import Cell, PageSection, Paragraph, TextTable
from ecg_edge.html_report.run_forms import BoardPlan
from ecg_edge.html_report.run_parts import RunParts
from ecg_edge.number_format import UNDEFINED

WORST_LAYERS = 15


def make_files_section(parts: RunParts) -> PageSection:
    """Size and latency of every exported form against the published 3.66 MB and 174 ms."""
    title = "Exported files"
    if not (parts.sizes or parts.benches or parts.plans):
        return PageSection(title, [Paragraph(f"Nothing is exported: ecg-edge export {parts.path}.", "missing")])
    blocks: list[object] = []
    if parts.sizes:
        rows = [[name, _bar(f"{size / 1e6:.3f} MB", size / PUBLISHED_BYTES), _share(size / PUBLISHED_BYTES)]
                for name, size in parts.sizes.items()]  # fmt: skip
        blocks.append(TextTable("Size against the published 3.66 MB", ["file", "size", "share"], rows))
    programs = [[plan.file, *_describe_program(plan)] for plan in parts.plans if _describe_program(plan)]
    if programs:
        header = ["generated from", "flash", "RAM", "instructions of a window", "label"]
        blocks.append(TextTable("C99 programs", header, programs))
    blocks.append(_tabulate_latency(parts))
    return PageSection(title, blocks)


def list_latencies(parts: RunParts) -> list[tuple[str, str, float, str]]:
    """(file with its threads, machine, median in ms, label) of every benchmark, the oldest report first."""
    found = []
    for report in sorted(parts.benches.values(), key=lambda report: report["time"]):
        machine = report["machine"]["board"] or report["machine"]["cpu"] or report["machine"]["host"] or UNDEFINED
        label = report["stamp"] or report["time"][:10]
        for result in report["results"]:
            value = result["figures"][LATENCY]["value"]
            if value is not None:
                found.append((f"{result['file']}, threads {result['threads']}", machine, value, label))
    return found


def make_memory_section(parts: RunParts) -> PageSection:
    """Flash and RAM of exported files against the memory of boards."""
    title = "Memory on boards"
    if not parts.plans:
        file = next(iter(parts.sizes), "FILE.tflite")
        return PageSection(title, [Paragraph(f"Not planned: ecg-edge mcu {parts.path / 'export' / file}.", "missing")])
    blocks: list[object] = []
    for plan in parts.plans:
        rows = [
            [name, board.core, _board_bar(board.flash_share), _board_bar(board.ram_share), board.verdict]
            for name, board in plan.boards.items()
        ]
        arena = plan.arena.get("total")
        said = f"arena {arena:,} bytes" if isinstance(arena, int) else "arena not measured"
        notes = [f"TensorFlow Lite Micro: {said}, against the largest block of RAM; the file against flash.",
                 "Estimated: the interpreter's code, its stack and the application are not counted."]  # fmt: skip
        blocks.append(TextTable(plan.file, ["board", "core", "flash", "RAM", "verdict"], rows, notes))
    return PageSection(title, blocks)


def make_layers_section(parts: RunParts) -> PageSection:
    """The quantisation error of every layer, and the acceptance checks of an export."""
    title = "Quantisation"
    if not parts.exports:
        return PageSection(title, [Paragraph("The report of an export is not kept: the run has no export, or one of an "
                                         f"earlier version: ecg-edge export {parts.path}.", "missing")])  # fmt: skip
    blocks: list[object] = []
    for each in parts.exports:
        rows = [[check.name, check.measured, check.required, _result(check.passed)] for check in each.checks]
        if rows:
            header = ["acceptance check", "measured", "required", "result"]
            blocks.append(TextTable(f"{each.file}: acceptance checks", header, rows, numbers=False))
        worst = [layer for layer in each.layers if layer.sqnr_db is not None][:WORST_LAYERS]
        highest = max([layer.sqnr_db or 0.0 for layer in worst], default=0.0) or 1.0
        rows = [
            [layer.tensor, layer.operator, Cell(f"{layer.sqnr_db:.1f}", bar=max(0.0, (layer.sqnr_db or 0.0) / highest)),
             UNDEFINED if layer.sqnr_alone_db is None else f"{layer.sqnr_alone_db:.1f}",
             UNDEFINED if layer.clipped is None else f"{layer.clipped:.2%}"]
            for layer in worst
        ]  # fmt: skip
        if rows:
            header = ["layer", "operator", "SQNR (dB)", "rounded alone (dB)", "clipped"]
            notes = [f"The {len(rows)} worst of {len(each.layers)} layers. SQNR: signal-to-quantisation-noise ratio."]
            blocks.append(TextTable(f"{each.file}: error of layers", header, rows, notes))
    return PageSection(title, blocks)


def _tabulate_latency(parts: RunParts) -> object:
    rows = [
        [name, machine, _bar(f"{value:.3g} ms", value / PUBLISHED_MS), _share(value / PUBLISHED_MS), label]
        for name, machine, value, label in list_latencies(parts)
    ]
    if not rows:
        file = next(iter(parts.sizes), "FILE.tflite")
        return Paragraph(f"Latency is not measured: ecg-edge bench {parts.path / 'export' / file}.", "missing")
    header = ["file", "machine", "median of a window", "share", "measured"]
    notes = ["174 ms was published for a Raspberry Pi (arXiv 2511.08650); on another machine the share says little."]
    return TextTable("Latency against the published 174 ms", header, rows, notes)


def _describe_program(plan: BoardPlan) -> list[str]:
    """Flash, RAM, instructions and label of the generated program; [] where nothing is known of it."""
    c99 = plan.c99
    flash, ram = c99.get("flash"), c99.get("ram")
    static = c99.get("static_ram")
    if isinstance(flash, dict) and isinstance(ram, dict):
        sizes = [sum(each for each in part.values() if isinstance(each, int)) for part in (flash, ram)]
        steps = c99.get("instructions")
        return [*(f"{size:,} bytes" for size in sizes), f"{steps:,}" if isinstance(steps, int) else UNDEFINED,
                str(c99.get("label", ""))]  # fmt: skip
    if isinstance(static, dict) and isinstance(static.get("bytes"), int):
        return [UNDEFINED, f"{static['bytes']:,} bytes, static", UNDEFINED, str(static.get("label", ""))]
    return []


def _bar(text: str, share: float) -> Cell:
    return Cell(text, bar=min(1.0, max(0.0, share)), over=share > 1)


def _board_bar(share: float | None) -> str | Cell:
    return UNDEFINED if share is None else _bar(f"{share:.0%}", share)


def _share(share: float) -> str:
    return f"{share:.0%} of it"


def _result(passed: bool | None) -> str:
    return {True: "pass", False: "FAIL", None: "not made"}[passed]
