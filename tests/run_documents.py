"""The JSON files of a run's folder without its training, for tests that damage them."""

from pathlib import Path

from ecg_edge.tasks.multilabel import MultilabelTask
from ecg_edge.training.config import resolve
from firmware_bench.runtime.files import write_json
from models_keras.registry import find


def sound_documents() -> dict:
    """config.json, split.json and decision.json of a run of the tiny cnn."""
    settings = resolve(find("cnn"), MultilabelTask.Options, "tiny", "synthetic", ("I", "V1"), 3, ["signal.window_s=4"])
    plain = settings.to_dict()
    config = {
        **plain, "task": {"name": "multilabel", **plain["task"]}, "leads": ["I", "V1"], "classes": ["AF", "SNR"],
        "fingerprint": "0" * 16, "versions": {"keras": "3"}, "keras_backend": "jax", "machine": "x86_64",
        "git_commit": None, "started": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    split = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}
    return {"config": config, "split": split, "decision": {"thresholds": [0.25, 0.5]}}


def write_documents(folder: Path, documents: dict) -> Path:
    """Write the files into `folder`, which is returned."""
    for name, value in documents.items():
        write_json(folder / f"{name}.json", value)
    return folder
