"""Draw docs/assets/pipeline.svg: a synthetic ECG and the path from a recording to a device.

python docs/assets/pipeline.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch

from ecg_edge.records.synthetic_ecg import synthesise

SECONDS, FS, LEAD = 8.0, 200.0, "II"
STAGES = (
    ("recordings", "WFDB, labels.csv\nsplit by patient"),
    ("Keras model", "float\nbootstrap intervals"),
    ("TensorFlow Lite", "int8 or int16\nacceptance checks"),
    ("device", "Raspberry Pi: LiteRT\nmicrocontroller: C99"),
)
COMMANDS = ("train", "export", "bench\nmcu")
PICTURE = Path(__file__).with_suffix(".svg")
BLUE, GREY = "#1f5aa6", "#5f6b7a"


def draw_ecg(axes) -> None:
    """Draw one lead of a synthetic recording on paper of 0.2 s by 0.5 mV."""
    record = synthesise("AF", 7, SECONDS, FS)
    assert record.signal is not None
    signal = record.signal[:, list(record.leads).index(LEAD)]
    seconds = [n / FS for n in range(len(signal))]
    axes.plot(seconds, signal, color=BLUE, linewidth=0.9)
    axes.set(xlim=(0, SECONDS), xlabel="s", ylabel="mV", title=f"synthetic ECG, lead {LEAD}, label AF")
    axes.set_xticks([n * 0.2 for n in range(round(SECONDS / 0.2) + 1)], minor=True)
    axes.grid(which="both", color="#f0c8c8", linewidth=0.5)


def draw_stages(axes) -> None:
    """Draw the stages as boxes, with the command between two of them."""
    axes.set(xlim=(0, 40), ylim=(0, 10))
    axes.axis("off")
    for number, (title, text) in enumerate(STAGES):
        left = number * 10.6
        box = FancyBboxPatch((left, 1.5), 8.2, 7, boxstyle="round,pad=0,rounding_size=0.5", fc="#eef3fa", ec=BLUE)
        axes.add_patch(box)
        axes.text(left + 4.1, 6.9, title, ha="center", va="center", weight="bold", fontsize=10)
        axes.text(left + 4.1, 3.9, text, ha="center", va="center", fontsize=8, color=GREY)
    for number, command in enumerate(COMMANDS):
        start = number * 10.6 + 8.3
        axes.annotate("", (start + 2.2, 5), (start, 5), arrowprops={"arrowstyle": "->", "color": BLUE})
        axes.text(start + 1.1, 5.5, command, ha="center", fontsize=7, color=BLUE)


def main(path: Path = PICTURE) -> None:
    """Write the picture to `path`, by default beside this file."""
    plt.rcParams |= {"svg.hashsalt": "ecg-edge", "svg.fonttype": "path", "font.size": 8, "path.simplify_threshold": 0.3}
    figure, (top, bottom) = plt.subplots(2, figsize=(9, 3.6), height_ratios=(1.3, 1), layout="constrained")
    draw_ecg(top)
    draw_stages(bottom)
    bottom.set_xlim(-0.3, 40.4)
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
    print(path)


if __name__ == "__main__":
    main()
