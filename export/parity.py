"""Does the integer file still compute the model? Gates over real windows, each with its figure."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ecg_edge.errors import GateError
from export.decibels import decibels
from export.gate import Gate
from export.runtimes import TENSOR_WINDOWS, output_gate, tensor_gate
from firmware_bench import tflm
from firmware_bench.bench_rpi import ModelError, TFLiteModel, dequantise, quantise

# TensorFlow Lite Micro's kernels on a PC take up to a third of a second a window of a paper-size model.
MICRO_WINDOWS = 32

# Healthy int8 networks of this house lie at 25–40 dB; a mismatched LSTM scale gives 7–22, a state kept 17.
DECIBELS = 20.0
# Rounding moves the windows at a class border, 0.5–1 % of those of a trained model: three per cent is another model.
SAME_CLASS = 0.97
# A class may lose a tenth of its windows, or two where it has few: less says nothing, more is a class going under.
RECALL_LOSS = 0.10
RECALL_LOSS_WINDOWS = 2

UNDECIDED = (
    "train to the early stop, since the classes of an undecided model flip with any rounding, and see whether "
    "ecg-edge data check finds artefacts"
)


@dataclasses.dataclass(frozen=True)
class Parity:
    """What the integer model did on the parity windows: gates, the figures as plain data."""

    gates: Sequence[Gate]
    figures: dict


def parity(
    data: bytes, windows: dict[str, np.ndarray], expected: np.ndarray, targets: np.ndarray, labels: Sequence[str]
) -> Parity:
    """Runs the int8 file `data` over `windows` (input name → (n, ...)) with LiteRT's optimised kernels, and over some
    with its reference kernels and TensorFlow Lite Micro. `expected` (n, classes) are the Keras model's outputs,
    `targets` (n,) the windows' true classes, indices into `labels`.
    """
    model, reference = TFLiteModel(data), TFLiteModel(data, kernels="reference")
    (output,) = model.outputs
    count = len(targets)
    outputs = np.concatenate([model.run_raw(arrays)[0] for arrays in _integers(model, windows, range(count))])
    probabilities = dequantise(outputs, output.scale, output.zero_point)

    few = np.linspace(0, count - 1, min(MICRO_WINDOWS, count)).round().astype(int)
    integers = list(_integers(model, windows, few))
    try:
        micro_outputs = np.concatenate([answer for (answer,) in tflm.outputs(data, integers)])
    except ModelError as error:
        raise GateError(f"{error}; nothing was written: use layers that it has") from None
    reference_outputs = np.concatenate([reference.run_raw(arrays)[0] for arrays in integers])
    micro_probabilities = dequantise(micro_outputs, output.scale, output.zero_point)

    agreement = decibels(expected, probabilities)
    micro_agreement = decibels(expected[few], micro_probabilities)
    same_gate, same = _same_class(expected, probabilities, output.scale)
    collapse_gate, recalls = recall_gate(expected.argmax(-1), probabilities.argmax(-1), targets, labels)
    gates = [
        tensor_gate(data, integers[:TENSOR_WINDOWS]),
        output_gate(data, reference_outputs, micro_outputs, output.zero_point),
        _decibel_gate("LiteRT", count, agreement),
        _decibel_gate("TFLite Micro", len(few), micro_agreement),
        same_gate,
        collapse_gate,
    ]
    figures = {
        "windows": count,
        "decibels": round(agreement, 2),
        "same_class": round(same, 4),
        "recall": recalls,
        "micro_windows": len(few),
        "micro_decibels": round(micro_agreement, 2),
        "micro_equal": round(float(np.mean(micro_outputs == reference_outputs)), 4),
    }
    return Parity(gates, figures)


def _integers(model, windows, positions):
    """Per window at `positions`, the model's inputs in order, quantised, with the batch axis."""
    for n in positions:
        yield [quantise(windows[t.name][n : n + 1], t.scale, t.zero_point, t.dtype) for t in model.inputs]


def _decibel_gate(runtime, count, agreement):
    return Gate(
        f"agreement of {runtime} with Keras, {count} windows",
        f"{agreement:.1f} dB",
        f"≥ {DECIBELS:g} dB",
        agreement >= DECIBELS,
        UNDECIDED,
    )


def _same_class(expected, probabilities, step):
    """The gate, and the share of windows in the same class."""
    ours, theirs = expected.argmax(-1), probabilities.argmax(-1)
    same = float(np.mean(ours == theirs))
    figure = f"{same:.1%}"
    if same < 1:
        # A model whose two best classes lie closer than the output's step has decided nothing; that is not rounding.
        best = np.sort(expected[ours != theirs], axis=-1)
        ties = int(np.count_nonzero(best[:, -1] - best[:, -2] < 2 * step))
        figure += f" ({ties} of {len(best)} changes between classes less than {2 * step:.1%} apart)"
    gate = Gate(
        f"windows in the same class as Keras, of {len(expected)}",
        figure,
        f"≥ {SAME_CLASS:.0%}",
        same >= SAME_CLASS,
        UNDECIDED,
    )
    return gate, same


def recall_gate(float_classes, integer_classes, targets, labels):
    """The class that lost most, as a gate, and {label: [windows, recall in float, recall in int8]}."""
    recalls, worst = {}, None
    for index, label in enumerate(labels):
        mine = targets == index
        total = int(mine.sum())
        if not total:
            continue
        before, after = int((float_classes[mine] == index).sum()), int((integer_classes[mine] == index).sum())
        recalls[label] = {"windows": total, "float": round(before / total, 4), "int8": round(after / total, 4)}
        # How much of what may be lost was lost: comparable between classes of different size.
        spent = (before - after) / max(RECALL_LOSS * total, RECALL_LOSS_WINDOWS)
        if worst is None or spent > worst[0]:
            worst = spent, f"{label} {before} → {after} of {total}"
    spent, figure = worst or (0.0, "no window has a label")
    gate = Gate(
        "recall of the class that lost most, float → int8",
        figure,
        f"loss ≤ {RECALL_LOSS:.0%} or {RECALL_LOSS_WINDOWS} windows",
        spent <= 1,
        "give the class more calibration windows: train on more recordings of it",
    )
    return gate, recalls
