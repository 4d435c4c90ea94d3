"""The tables of the documentation, made from kept results by the layouts of table_layouts.py, from the cards of shipped
models, and from what the packages register.
"""

import functools
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from table_layouts import LAYOUTS

from ecg_edge.records.databases.catalogue import ON_DISK
from ecg_edge.training.config import SignalConfig
from ecg_edge.zoo import list_models, read_card
from ecg_edge.zoo.card import list_card, make_sections

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

# database → split, and what its reader was tried on
VERIFIED: dict[str, tuple[str, str]] = {
    "cinc2017": ("by patient, drawn", "7,528 of 8,528 recordings"),
    "challenge2021": ("by patient, drawn", "files of the same form"),
    "cpsc2018": ("by patient, drawn", "133 of 6,877 recordings"),
    "cpsc2021": ("by patient, drawn", "15 of 1,436 recordings"),
    "mitdb": ("published: DS1, DS2", "all 48 recordings"),
    "ltafdb": ("published", "annotations of all 84 recordings"),
    "ptbxl": ("published folds", "440 of 21,799 recordings"),
    "ptbxl100": ("published folds", "440 of 21,799 recordings"),
    "svdb": ("by recording, drawn", "60 of 78 recordings"),
    "aftdb": ("that of `ltafdb`, whose patients these are", "all 80 recordings"),
    "afdb": ("by patient, drawn", "files of the same form"),
    "afpdb": ("by patient, drawn", "37 of 300 recordings"),
    "cudb": ("by patient, drawn", "all 35 recordings"),
    "nstdb": ("all train: patients of `mitdb`", "4 of 12 recordings"),
    "ludb": ("by patient, drawn", "all 200 recordings"),
    "icentia11k": ("by patient, drawn", "files of the same form"),
    "mimic-iv-ecg": ("by patient, drawn", "files of the same form"),
}


class Interval(dict):
    """A value with its 95 % interval, as evaluation files hold it."""

    def __format__(self, spec: str) -> str:
        if self["value"] is None:
            return "–"
        value, low, high = format(self["value"], spec), self["low"], self["high"]
        bounds = spec.removeprefix("+")
        return value if low is None else f"{value} [{low:{bounds}}, {high:{bounds}}]"


def render(name: str) -> str:
    """Return the Markdown of a table: the command that repeats it, the table, and where its figures come from.

    Args:
        name: A key of LAYOUTS, `architectures`, `databases`, `presets-ARCHITECTURE`,
            `published-ARCHITECTURE`, `evaluation-RUN`, `device-RUN`, `zoo`, `zoo-MODEL` or, for the README, `models`.

    Raises:
        SystemExit: There is no table of that name, or its result file does not have the fields it needs.
    """
    kind, _, subject = name.partition("-")
    if name in LAYOUTS:
        return _result(name, *LAYOUTS[name])
    if name == "architectures":
        return _architectures()
    if name == "databases":
        return _databases()
    if name in ("zoo", "models"):
        return _zoo(in_readme=name == "models")
    if kind == "zoo":
        return _card(subject)
    if kind in ("presets", "published") and subject in architectures():
        return {"presets": _presets, "published": _published}[kind](subject)
    if kind == "device" and (RESULTS / "runs" / subject).is_dir():
        return _device(RESULTS / "runs" / subject)
    if kind == "evaluation" and (RESULTS / "runs" / subject).is_dir():
        return _evaluation(RESULTS / "runs" / subject)
    sys.exit(f"no table {name!r}: add it to docs/table_layouts.py")


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(titles)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _result(name: str, file: str, columns: Mapping[str, str]) -> str:
    result = _read(RESULTS / f"{file}.json")
    rows = [[_cell(template, row) for template in columns.values()] for row in result["rows"]]
    # A file may hold the rows of two tables: those of the other one lack the first column.
    cells = dict(zip(columns, zip(*(row for row in rows if row[0]), strict=True), strict=False))
    filled = {title: column for title, column in cells.items() if any(column)}
    if len(filled) < 2:
        sys.exit(f"benchmarks/results/{file}.json does not have the columns of the table {name}")
    made = table(filled, zip(*filled.values(), strict=True))
    if name != file:  # a second table of the same file is below the first
        return f"{made}\n\n*From the same command, under the conditions above.*"
    command = "\n".join(["```console", *result["command"], "```"])
    caption = f"*{result['title']}. {result['kind'].capitalize()}: {result['conditions']}. {_source(result)}*"
    return "\n\n".join([command, made, caption])


def _source(result: Mapping) -> str:
    if result["source"].startswith("transcribed"):
        return "Recorded with version 0.1.0."
    return f"Written by the command on {result['machine']}, {result['date']}."


def _cell(template: str, row: Mapping) -> str:
    values = {key: Interval(value) if isinstance(value, dict) else value for key, value in row.items()}
    try:
        return template.format_map(values)
    except KeyError:
        return ""


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def architectures() -> dict[str, dict]:
    """Return what `ecg-edge archs --json` prints."""
    command = [sys.executable, "-m", "ecg_edge", "archs", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT, text=True).stdout)


def _architectures() -> str:
    rows = [
        [f"`{name}`", a["summary"], a["paper"], f"`{a['task']}`", _parameters(a["presets"]["paper"])]
        for name, a in architectures().items()
    ]
    return table(["name", "architecture", "source", "task", "parameters, paper preset"], rows)


def _databases() -> str:
    rows = []
    for database in ON_DISK:
        split, tried = VERIFIED[database.name]
        leads = _describe_leads(database.leads)
        rate = f"{database.fs:g} Hz" if database.fs else "rates differ"
        labels = [f"recordings, {len(database.classes)} classes"] if database.classes else []
        labels += [database.annotations] if database.annotated else []
        source = f"[{database.physionet}](https://physionet.org/content/{database.physionet}/)"
        cells = [f"`{database.name}`", database.title, f"{leads}, {rate}", "; ".join(labels), split, tried, source]
        rows.append([*cells, database.licence])
    columns = ["name", "database", "signals", "labels", "split", "tried on", "PhysioNet", "licence"]
    return table(columns, rows)


def _zoo(in_readme: bool) -> str:
    rows = []
    for card in map(read_card, list_models()):
        name, says, data, figure, size = list_card(card)
        if in_readme:
            rows.append([f"[`{name}`](docs/zoo/{name}.md)", says, f"{data}: {figure}", size])
        else:
            rows.append([f"[`{name}`]({name}.md)", says, data, figure, size, f"`{card.command}`"])
    if in_readme:
        return table(["name", "says", "test part, integers", "size"], rows)
    return table(["name", "says", "data", "test part, integers", "size", "built by"], rows)


def _card(name: str) -> str:
    """The card of a shipped model, a heading and a table for each section."""
    return "\n\n".join(
        f"## {title}\n\n{table(columns, [[_escape(cell) for cell in row] for row in rows])}"
        for title, columns, rows in make_sections(read_card(name))
    )


def _escape(cell: str) -> str:
    return cell.replace("~", "\\~").replace("|", "\\|")


def _describe_leads(leads: tuple[str, ...] | None) -> str:
    if leads is None:  # their names differ
        return "two leads"
    return "one lead" if len(leads) < 2 else "two leads" if len(leads) == 2 else f"{len(leads)} leads"


def _presets(name: str) -> str:
    rows = []
    for preset, settings in architectures()[name]["presets"].items():
        signal = SignalConfig(**settings["signal"])
        rows.append([f"`{preset}`", _parameters(settings), f"{signal.window_s:g}", f"{signal.fs:g}"])
    return table(["preset", "trainable parameters", "window (s)", "sampling rate (Hz)"], rows)


def _published(name: str) -> str:
    return table(
        ["published", "value"], [[key, f"{value:g}"] for key, value in architectures()[name]["published"].items()]
    )


def _parameters(preset: Mapping) -> str:
    counts = preset["parameters"].items()
    return ", ".join(f"{count:,} ({leads} lead{'s' if leads != '1' else ''})" for leads, count in counts)


METRICS = {
    "score": "mean F1 of N, A, O (score of the challenge)",
    "macro_f1": "macro F1, all classes",
    "macro_auroc": "macro AUROC",
    "macro_auprc": "macro AUPRC",
    "accuracy": "accuracy",
}


def _evaluation(run: Path) -> str:
    keras = _read(run / "evaluation-keras.json")
    (file,) = (path for path in run.glob("evaluation-*.json") if path.name != "evaluation-keras.json")
    quantised = _read(file)
    rows = [
        [METRICS[key], *(_cell(f"{{{key}:.3f}}", e) for e in (keras, quantised))] for key in METRICS if key in keras
    ]
    for name in keras["classes"]:
        f1 = (_cell("{f1:.3f}", e["classes"][name]) for e in (keras, quantised))
        rows.append([f"F1 of {name} ({keras['classes'][name][keras['unit']]} {keras['unit']})", *f1])
    caption = (
        f"*Measured on {keras[keras['unit']]} {keras['unit']} of {keras['data']}, 95 % intervals by bootstrap over "
        f"patients; benchmarks/results/runs/{run.name}, written by `ecg-edge evaluate`.*"
    )
    return f"{table(['', 'Keras, float', 'TFLite, int8'], rows)}\n\n{caption}"


def _device(run: Path) -> str:
    (metadata,) = map(_read, run.glob("metadata-*.json"))
    (mcu,) = map(_read, run.glob("mcu-*.json"))
    parity, c99 = metadata["metrics"]["parity"], mcu["c99"]
    rows = [
        ["file", f"{mcu['flash']['file']:,} bytes", mcu["flash"]["label"]],
        ["SQNR against Keras", f"{parity['decibels']:.1f} dB", f"measured, {parity['windows']} validation windows"],
        ["windows in the same class as Keras", f"{parity['same_decision']:.1%}", "measured, the same windows"],
        ["tensor arena, TensorFlow Lite Micro", f"{mcu['arena']['total']:,} bytes", mcu["arena"]["label"]],
        ["C99: RAM, static + stack", f"{c99['ram']['static']:,} + {c99['ram']['stack']:,} bytes", c99["label"]],
        ["C99: flash, code + constants", f"{c99['flash']['code']:,} + {c99['flash']['weights']:,} bytes", c99["label"]],
        ["C99: instructions of a window", f"{c99['instructions'] / 1e6:,.0f} million", c99["label"]],
    ]
    caption = f"*benchmarks/results/runs/{run.name}, written by `ecg-edge export` and `ecg-edge mcu --json`.*"
    return f"{table(['', 'value', 'label'], rows)}\n\n{caption}"
