"""The folder of a run with everything that a report shows, without any training."""

import csv
from pathlib import Path

import numpy as np

from firmware_bench.runtime.files import write_json

UNITS = 60
PARTS = ("train", "validation", "test")


def estimate(value: float) -> dict:
    return {"value": value, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1)}


def make_config(classes, task="rhythm", **others) -> dict:
    """config.json, with a label count for every class in each part."""
    counts = dict.fromkeys(classes, 20)
    return {
        "arch": "cnn", "preset": "tiny", "data": "my_recordings", "leads": ["I"], "seed": 3, "classes": list(classes),
        "task": {"name": task}, "signal": {"fs": 100.0, "window_s": 10.0, "mode": "causal"},
        "model": {"filters": [8, 4]},
        "training": {"epochs": 9, "batch": 8, "loss": None, "monitor": "loss", "keep": "best"},
        "fingerprint": "0" * 16,
        "parts": {part: {"recordings": 60, "patients": 12, "classes": counts} for part in PARTS},
        "arguments": ["--arch", "cnn", "--data", "my recordings", "--seed", "3"], "versions": {"keras": "3.15"},
        "keras_backend": "jax", "machine": "Linux", "git_commit": "0" * 40, "started": "2026-01-01T00:00:00+00:00",
        **others,
    }  # fmt: skip


def make_scores(classes) -> dict[str, np.ndarray]:
    """Probabilities that are mostly right, of UNITS recordings."""
    random = np.random.default_rng(0)
    truth = np.eye(len(classes), dtype=bool)[np.arange(UNITS) % len(classes)]
    raised = truth * 2.0 + random.random((UNITS, len(classes)))
    names = np.array([f"r{number:02}" for number in range(UNITS)])
    probabilities = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return {"probabilities": probabilities, "truth": truth, "names": names}


def make_anomaly_scores() -> dict[str, np.ndarray]:
    """Scores and latent means of UNITS recordings, a third of them abnormal."""
    random, abnormal = np.random.default_rng(0), np.arange(UNITS) % 3 == 1
    latent = (random.normal(size=(UNITS, 3)) + abnormal[:, None]).astype(np.float32)
    names = np.array([f"r{number:02}" for number in range(UNITS)])
    score = (abnormal + random.random(UNITS)).astype(np.float32)
    return {"names": names, "abnormal": abnormal, "latent_mean": latent, "score": score, "divergence": latent**2}


def write_evaluation(folder: Path, name: str, classes, scores: dict[str, np.ndarray], **others) -> None:
    """evaluation-NAME.json and .npz; "Figures" are made up."""
    rows = [[18 if row == column else 1 for column in range(len(classes))] for row in range(len(classes))]
    error = {"expected_calibration_error": 0.04, "brier_score": 0.2}
    metrics = {"f1": estimate(0.8), "auroc": estimate(0.95)}
    values = {
        "run": "run", "model": name, "data": "my_recordings, test part", "unit": "recordings", "recordings": UNITS,
        "windows": UNITS, "views": 1, "patients": 12, "macro_f1": estimate(0.7654), "confusion_matrix": rows,
        "classes": {each: {"recordings": 20, **metrics} for each in classes},
        "calibration": {"temperature": 1.5, "before": error, "after": error},
        "scores": {key: list(each.shape) for key, each in scores.items()}, **others,
    }  # fmt: skip
    write_json(folder / f"evaluation-{name}.json", values)
    np.savez_compressed(folder / f"evaluation-{name}.npz", allow_pickle=False, **scores)


def write_run(folder: Path, classes=("N", "A", "O"), file="cnn-int8", **others) -> Path:
    """Write the folder of a run with all parts; `others` change config.json."""
    (folder / "export").mkdir(parents=True)
    write_json(folder / "config.json", make_config(classes, **others))
    write_json(folder / "split.json", {part: [f"{part}-{n}" for n in range(60)] for part in PARTS})
    with open(folder / "history.csv", "w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["epoch", "loss", "validation_loss", "validation_score", "learning_rate", "seconds"])
        writer.writerows([n, 1 / n, 1.1 / n + (n > 6), n / 10, 0.001, 2.5] for n in range(1, 9))
    for name in ("keras", file):
        write_evaluation(folder, name, classes, make_scores(classes))
    (folder / "export" / f"{file}.tflite").write_bytes(bytes(123_456))
    layer = {"operator": "CONV_2D", "tensor": "conv_1", "low": -1.0, "high": 1.0, "sqnr_db": 21.5}
    layer |= {"sqnr_alone_db": 40.0, "clipped": 0.001}
    check = {"name": "agreement", "measured": "99 %", "required": "≥ 97 %", "passed": True, "remedy": ""}
    layers = [layer, {**layer, "tensor": "dense", "sqnr_db": None}]
    exported = {"file": f"{file}.tflite", "size": 123456, "checks": [check], "layers": layers}
    write_json(folder / "export" / f"{file}.json", exported)
    board = {"core": "Cortex-M4F", "flash": 10**6, "ram": 10**5, "largest_ram_block": 10**5, "flash_share": 0.12,
             "ram_share": 1.9634, "fits": False, "verdict": "96,340 bytes of RAM missing"}  # fmt: skip
    c99 = {"flash": {"code": 5000, "weights": 100_000}, "ram": {"static": 20_000, "stack": 300}, "instructions": 10**6,
           "label": "measured, Cortex-M4 in QEMU"}  # fmt: skip
    plan = {"file": f"{file}.tflite", "arena": {"total": 196_340}, "flash": {}, "boards": {"nRF52840": board}}
    write_json(folder / f"mcu-{file}.json", {**plan, "c99": c99})
    figures = {"latency, median": {"value": 87.0, "unit": "ms", "label": "measured"},
               "model size": {"value": 123456, "unit": "bytes", "label": "measured"}}  # fmt: skip
    result = {"file": f"{file}.tflite", "threads": 1, "figures": figures, "rounds": []}
    bench = {"format": 2, "time": "2026-01-02T00:00:00", "stamp": None, "results": [result]}
    bench |= {"machine": {"board": "Raspberry Pi 4"}, "versions": {"runtime": "LiteRT"}}
    write_json(folder / "bench-pi4.json", bench)
    return folder


def write_detector(folder: Path) -> Path:
    """Write the folder of a run that detects anomalies, evaluated."""
    folder.mkdir(parents=True)
    kinds = ("normal", "abnormal")
    write_json(folder / "config.json", make_config(kinds, task="anomaly"))
    write_evaluation(folder, "keras", kinds, make_anomaly_scores(), calibration=None, threshold=0.9)
    return folder
