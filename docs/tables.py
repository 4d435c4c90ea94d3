"""The tables of the documentation: for each name the kept result it shows and its columns.

A column is a title and a format template of a row. A row that lacks a value of the template gets an empty cell.
"""

import functools
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ecg_edge.records.databases.catalogue import ON_DISK
from ecg_edge.training.config import SignalConfig
from ecg_edge.zoo import list_models, read_card
from ecg_edge.zoo.card import list_card, make_sections

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

SIGNED = "{difference:+.3f}"
MICROCONTROLLER = {
    "RAM: static + stack": "{ram_static_bytes:,} + {stack_bytes:,}",
    "flash: code + constants": "{code_bytes:,} + {weights_bytes:,}",
}
EXPLANATIONS = {
    "model": "{model}",
    "data": "{data}",
    "label and its waves": "{label}: {region}",
    "method": "{method}",
    "recordings (found)": "{recordings} ({predicted})",
    "hits": "{hit_rate:.2f}",
    "chance": "{chance:.2f}",
    "times chance": "{times_chance:.1f}",
    "p": "{p:.1g}",
}
# table → file of benchmarks/results, columns
LAYOUTS: dict[str, tuple[str, dict[str, str]]] = {
    "cnn_att_bilstm-components": (
        "cnn_att_bilstm-components",
        {
            "variant": "{variant}",
            "parameters": "{parameters:,}",
            "macro F1": "{macro_f1:.3f}",
            "difference from the full model": SIGNED,
            "published, CPSC 2018, 12 leads": "{published:.2f}",
        },
    ),
    "layers": (
        "layers",
        {
            "layer": "{layer}",
            "`--int8`": "{int8}",
            "`--qat`": "{qat}",
            "`--target rpi`": "{rpi}",
            "C99, 8 bits": "{c99_8}",
            "`--streaming`": "{streaming}",
            "C99, 16 bits": "{c99_16}",
            "SQNR, 8 bits (dB)": "{int8_decibels:.1f}",
            "SQNR, stream (dB)": "{streaming_decibels:.1f}",
            "why not": "{reason}",
            "why no stream": "{stream_reason}",
        },
    ),
    "cnn_att_bilstm-leads": (
        "cnn_att_bilstm-leads",
        {
            "input": "{variant}",
            "macro F1": "{macro_f1:.3f}",
            "difference from 12 leads": SIGNED,
            "macro AUROC": "{macro_auroc:.3f}",
        },
    ),
    "st-remedies": (
        "st-remedies",
        {
            "remedies": "{remedies}",
            "macro F1": "{macro_f1:.3f}",
            "macro AUROC": "{macro_auroc:.3f}",
            "F1 of STE": "{ste_f1:.3f}",
            "AUROC of STE": "{ste_auroc:.3f}",
            "F1 of STD": "{std_f1:.3f}",
            "AUROC of STD": "{std_auroc:.3f}",
        },
    ),
    "htf_beat-mitdb": (
        "htf_beat-mitdb",
        {
            "labels of the previous beats": "{previous_labels}",
            "macro F1": "{macro_f1:.3f}",
            "SVEB Se / +P": "{sveb_sensitivity:.3f} / {sveb_precision:.3f}",
            "VEB Se / +P": "{veb_sensitivity:.3f} / {veb_precision:.3f}",
        },
    ),
    "rhythm_from_beats-ltafdb": (
        "rhythm_from_beats-ltafdb",
        {
            "windows averaged": "{windows}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
            "published macro F1": "{published_macro_f1:.3f}",
            "published accuracy": "{published_accuracy:.3f}",
        },
    ),
    "rhythm_from_beats-5s": (
        "rhythm_from_beats-5s",
        {
            "data": "{data}",
            "input": "{input}",
            "bouts": "{bouts:,}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
            "F1 of AF": "{af_f1:.3f}",
            "AUROC of AF": "{af_auroc:.3f}",
        },
    ),
    "rhythm_from_beats-labels": (
        "rhythm_from_beats-labels",
        {"input": "{variant}", "macro F1": "{macro_f1:.3f}", "difference": SIGNED},
    ),
    "rhythm_from_beats-mitdb": (
        "rhythm_from_beats-mitdb",
        {
            "windows averaged": "{windows}",
            "bouts": "{bouts}",
            "patients": "{patients}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
        },
    ),
    "rhythms-mitdb": (
        "rhythms-mitdb",
        {
            "architecture": "`{architecture}`",
            "macro F1, one window": "{macro_f1:.3f}",
            "macro F1, seven windows": "{macro_f1_tta7:.3f}",
            "published, LTAFDB, one / seven": "{published:.3f} / {published_tta7:.3f}",
        },
    ),
    "ecg_mamba-ptbxl": (
        "ecg_mamba-ptbxl",
        {
            "parameters": "{parameters:,}",
            "macro AUROC": "{macro_auroc:.3f}",
            "macro AUPRC": "{macro_auprc:.3f}",
            "macro F1": "{macro_f1:.3f}",
            "AUROC of NORM, MI, STTC, CD, HYP": "{auroc_norm:.3f}, {auroc_mi:.3f}, {auroc_sttc:.3f}, {auroc_cd:.3f}, "
            "{auroc_hyp:.3f}",
        },
    ),
    "ecg_mamba-components": (
        "ecg_mamba-components",
        {
            "variant": "{variant}",
            "parameters": "{parameters:,}",
            "macro F1": "{macro_f1:.3f}",
            "difference from the full model": SIGNED,
            "macro AUROC": "{macro_auroc:.3f}",
        },
    ),
    "vae_bilstm_mha-attention": (
        "vae_bilstm_mha-attention",
        {
            "variant": "{variant}",
            "parameters": "{parameters:,}",
            "AUROC": "{auroc:.3f}",
            "difference": SIGNED,
            "AUPRC": "{auprc:.3f}",
            "F1": "{f1:.3f}",
            "precision / recall": "{precision:.3f} / {recall:.3f}",
        },
    ),
    "cae-ptbxl": (
        "cae-ptbxl",
        {
            "model": "{variant}",
            "AUROC": "{auroc:.3f}",
            "AUPRC": "{auprc:.3f}",
            "F1": "{f1:.3f}",
            "precision / recall": "{precision:.3f} / {recall:.3f}",
        },
    ),
    "cae-one-recording": (
        "cae-one-recording",
        {"recordings": "{recordings}", "mean squared error / variance": "{relative_error:.4g}"},
    ),
    "bench-x86-64": (
        "bench-x86-64",
        {
            "file": "`{file}`",
            "latency, median / p90 / p99 (ms)": "{latency_median_ms:.1f} / {latency_p90_ms:.1f} / {latency_p99_ms:.1f}",
            "load (ms)": "{load_ms:.1f}",
            "cold start (ms)": "{cold_start_ms}",
            "peak memory (bytes)": "{peak_memory_bytes:,}",
            "file (bytes)": "{model_bytes:,}",
        },
    ),
    "quantisation": (
        "quantisation",
        {
            "run": "{run}",
            "file": "{file}",
            "metric": "{metric}",
            "float": "{float:.4f}",
            "quantised": "{quantised:.4f}",
            "difference": "{difference:+.4f}",
            "agreement (%)": "{agreement_percent}",
            "SQNR (dB)": "{sqnr_db:.1f}",
            "bytes": "{bytes:,}",
            "of the file-size budget (%)": "{budget_percent}",
            "note": "{result}",
        },
    ),
    "quantisation-auprc": (
        "quantisation",
        {
            "run": "{run}",
            "file": "{file}",
            "AUPRC, float": "{auprc_float:.4f}",
            "AUPRC, quantised": "{auprc_quantised:.4f}",
            "difference": "{auprc_difference:+.4f}",
        },
    ),
    "latency-rpi-form": (
        "latency-rpi-form",
        {
            "architecture": "{architecture}",
            "float (ms)": "{float_ms}",
            "int8, `--target mcu` (ms)": "{int8_ms}",
            "mixed precision, `--target rpi` (ms)": "{rpi_ms}",
            "mixed precision / float": "{rpi_over_float:.2f}",
        },
    ),
    "microcontrollers": (
        "microcontrollers",
        {
            "system": "{system}",
            **MICROCONTROLLER,
            "instructions (millions)": "{instructions_millions:,}",
            "TFLM arena": "{tflm_arena_bytes:,}",
            "note": "{result}",
        },
    ),
    "microcontrollers-trained": (
        "microcontrollers-trained",
        {
            "task": "`{task}`",
            "run": "{run}",
            "metric": "{metric}",
            "float": "{float:.3f}",
            "quantised": "{quantised:.3f}",
            **MICROCONTROLLER,
            "instructions (millions)": "{instructions_millions:,}",
            "fits": "{fits}",
            "note": "{result}",
        },
    ),
    "table-mutation": (
        "table-mutation",
        {
            "model": "{model}",
            "damaged tables": "{tables:,}",
            "noticed by outputs": "{noticed_by_outputs:,}",
            "noticed by outputs or digests": "{noticed:,}",
            "damaged entries": "{entries:,}",
            "noticed": "{entries_noticed:,}",
        },
    ),
    "instructions-per-mac": (
        "instructions-per-mac",
        {
            "model": "{model}",
            "multiply-accumulates (millions)": "{macs_millions:,}",
            "instructions with DSP (millions)": "{instructions_dsp_millions:,}",
            "per multiply-accumulate, with DSP": "{per_mac_dsp:.2f}",
            "instructions without DSP (millions)": "{instructions_millions:,}",
            "per multiply-accumulate, without DSP": "{per_mac:.2f}",
        },
    ),
    "streaming": (
        "streaming",
        {
            "step": "{model}",
            "length (ms)": "{step_ms}",
            "delay (s)": "{delay_s:.2f}",
            "SQNR against Keras (dB)": "{sqnr_db:.1f}",
            "equal labels (%)": "{agreement_percent}",
            "file (bytes)": "{bytes:,}",
            "TFLM arena (bytes)": "{tflm_arena_bytes:,}",
        },
    ),
    "front-end": (
        "front-end",
        {
            "sensor (Hz)": "{sensor_fs:g}",
            "model (Hz)": "{fs:g}",
            "steps": "{steps}",
            "instructions a second": "{instructions_per_second:,}",
            "integers against float64, lowest (dB)": "{lowest_sqnr_db}",
        },
    ),
    "qrs-detector": (
        "qrs-detector",
        {
            "database": "{database}",
            "beats": "{beats:,}",
            "missed": "{missed:,}",
            "extra": "{extra:,}",
            "sensitivity (%)": "{sensitivity:.2f}",
            "positive predictivity (%)": "{positive_predictivity:.2f}",
            "both without the first 5 minutes (%)": "{sensitivity_learnt:.2f}, {positive_predictivity_learnt:.2f}",
            "distance from the annotation, 95 % (ms)": "{distance_ms_95:.1f}",
        },
    ),
    "qrs-detector-cost": (
        "qrs-detector",
        {
            "core": "{core}",
            "instructions a second": "{instructions_per_second:,}",
            "of a sample, at most": "{instructions_of_a_sample:,}",
            "RAM (bytes)": "{ram_bytes:,}",
            "flash (bytes)": "{flash_bytes:,}",
            "longest delay (s)": "{longest_delay_s:g}",
        },
    ),
    "beat-system": (
        "beat-system",
        {
            "preset": "{preset}",
            "instructions a second": "{instructions_per_second:,}",
            "of these the front end": "{front_end_per_second:,}",
            "dearest call of `poll`": "{dearest_poll:,}",
            "RAM of a signal (bytes)": "{ram_bytes:,}",
            "stack (bytes)": "{stack_bytes:,}",
            "flash (bytes)": "{flash_bytes:,}",
        },
    ),
    "device-accuracy": (
        "device-accuracy",
        {
            "beats of": "{beats_of}",
            "R peaks": "{peaks}",
            "N: Se, +P": "{N_sensitivity[value]:.3f}, {N_positive_predictivity[value]:.3f}",
            "N: F1": "{N_F1:.3f}",
            "SVEB: Se, +P": "{SVEB_sensitivity[value]:.3f}, {SVEB_positive_predictivity[value]:.3f}",
            "SVEB: F1": "{SVEB_F1:.3f}",
            "VEB: Se, +P": "{VEB_sensitivity[value]:.3f}, {VEB_positive_predictivity[value]:.3f}",
            "VEB: F1": "{VEB_F1:.3f}",
        },
    ),
    "device-accuracy-rhythms": (
        "device-accuracy",
        {
            "rhythms of": "{rhythms_of}",
            "R peaks": "{peaks}",
            "bouts": "{bouts}",
            "macro F1": "{macro_f1:.3f}",
            "accuracy": "{accuracy:.3f}",
        },
    ),
    "device-accuracy-episodes": (
        "device-accuracy",
        {
            "episodes of AF": "{episodes}",
            "R peaks": "{peaks}",
            "found, of those annotated": "{found} of {annotated}",
            "true, of those said": "{true} of {said}",
        },
    ),
    "device-accuracy-burden": (
        "device-accuracy",
        {
            "burden of AF": "{burden}",
            "R peaks": "{peaks}",
            "time in AF: Se, +P": "{sensitivity_of_time:.3f}, {predictivity_of_time:.3f}",
            "error, mean of records (points)": "{mean_error_points:.1f}",
            "largest error (points)": "{largest_error_points:.1f}",
            "time without a rhythm (%)": "{silent_percent:.1f}",
        },
    ),
    "running-threshold": (
        "running-threshold",
        {
            "stream": "{stream}",
            "normal windows": "{normal_windows:,}",
            "above the running threshold (%)": "{normal_running_percent}",
            "above the fixed one (%)": "{normal_fixed_percent}",
            "abnormal windows": "{abnormal_windows:,}",
            "of these above the running threshold (%)": "{abnormal_running_percent}",
            "of these above the fixed one (%)": "{abnormal_fixed_percent}",
        },
    ),
    "pretraining": (
        "pretraining",
        {
            "start": "{start}",
            "seed": "{seed}",
            "validation loss": "{validation_loss:.3f}",
            "validation macro F1": "{validation_score:.3f}",
        },
    ),
    "page-pan": (
        "page-pan",
        {
            "recording (h)": "{hours:g}",
            "leads": "{leads}",
            "on the screen (min)": "{visible_min:g}",
            "opening (s)": "{open_s:.1f}",
            "a pan (ms)": "{pan_ms:.0f}",
            "of this the server (ms)": "{server_ms:.0f}",
            "slowest pan (ms)": "{slowest_pan_ms:.0f}",
        },
    ),
    "device-path": (
        "device-path",
        {
            "model": "`{model}`",
            "window (s)": "{window_s:g}",
            "an answer every (s)": "{answer_s:.3f}",
            "instructions of a window": "{window_instructions:,}",
            "of an answer, with the front end": "{answer_instructions:,}",
            "share": "{share:.3f}",
            "dearest call of `poll`": "{dearest_poll:,}",
            "RAM with stack (bytes)": "{ram_bytes:,}",
            "flash (bytes)": "{flash_bytes:,}",
        },
    ),
    "sequence-length": (
        "sequence-length",
        {
            "window (s)": "{seconds}",
            "multiply-accumulates (million)": "{macs_millions:,}",
            "processor time (ms)": "{processor_ms:,}",
        },
    ),
    "generalisation": (
        "generalisation",
        {
            "model": "`{model}`",
            "data": "{data}",
            "": "{relation}",
            "tested": "{units}",
            "of each class": "{classes}",
            "macro AUROC": "{auroc:.3f}",
            "macro F1": "{f1:.3f}",
            "F1 by class": "{class_f1}",
        },
    ),
    "explanations": ("explanations", EXPLANATIONS),
    "explanations-ludb": ("explanations-ludb", EXPLANATIONS),
    "live": (
        "live",
        {
            "model": "{model}",
            "format": "`{format}`",
            "answers": "{answers:,}",
            "seconds of signal in a second": "{speed:.1f}",
        },
    ),
    "fuzz": (
        "fuzz",
        {
            "target": "`{target}`",
            "what is damaged": "{content}",
            "tried": "{tried:,}",
            "refused in one line": "{refused:,}",
            "wrong": "{wrong:,}",
        },
    ),
    "operator-fuzz": (
        "operator-fuzz",
        {
            "operator": "`{operator}`",
            "tried": "{tried:,}",
            "refused in one line": "{refused:,}",
            "wrong": "{wrong:,}",
            "TFLite Micro": "{micro}",
        },
    ),
    "mcu-tiny": (
        "mcu-tiny",
        {"device": "{device}", "window (ms)": "about {milliseconds:g}", "assumption": "{assumption}"},
    ),
}


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
    sys.exit(f"no table {name!r}: add it to docs/tables.py")


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
