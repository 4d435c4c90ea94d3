"""Draw the pictures of docs/plots.md, of synthetic ECG: docs/assets/ecg-*.png.

python docs/assets/ecg_pictures.py [RUN]

RUN: a model of the twelve leads that knows PVC, for the picture with integrated gradients.
"""

import sys
from pathlib import Path

import ecg_edge
from ecg_edge.records.synthetic_ecg import synthesise

FOLDER = Path(__file__).parent
DPI = 80


def draw(name, record, model=None, method=None, label=None) -> None:
    """Draw a recording, with what a model says and why."""
    prediction = model and model.predict(record.signal, record.fs, record.leads, name=record.name)
    overlays = []
    if model and method:
        overlays.append(ecg_edge.make_heat_map(ecg_edge.explain_record(model, record, method, label)))
    file = FOLDER / f"ecg-{name}.png"
    ecg_edge.save_figure(ecg_edge.plot_record(record, prediction, overlays), file, DPI)
    print(f"{file}: {file.stat().st_size:,} bytes")


def main(words: list[str]) -> None:
    draw("standard", synthesise("PVC", 3))
    small = ecg_edge.load("af-single-lead-small")
    draw("occlusion", synthesise("AF", 3, seconds=30, leads=("I",)), small, "occlusion")
    if words:
        draw("gradients", synthesise("PVC", 1001), ecg_edge.load(words[0]), "gradients", "PVC")


if __name__ == "__main__":
    main(sys.argv[1:])
