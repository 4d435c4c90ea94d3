"""From a trained Keras model to a file that has proved itself: convert, describe, check, and only then write."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ecg_edge.errors import GateError, InputError
from ecg_edge.files import whole
from export import flatbuffer
from export.convert import convert
from export.flatbuffer import METADATA
from export.gate import Gate
from export.lint import lint
from export.parity import parity
from firmware_bench.bench_rpi import UNSEALED, TFLiteModel, read_metadata, reference_outputs, seal

FORMAT = 1
REFERENCE_VECTORS = 4
REFERENCE_SEEDS = range(1, 9)


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome of an export. `path` is None, and nothing was written, where a gate did not pass."""

    path: Path | None
    size: int  # bytes
    gates: Sequence[Gate]
    metadata: dict


class GatesFailed(GateError):
    """An integer file was made and is not good enough; `report` has every gate."""

    def __init__(self, report: Report):
        self.report = report
        failed = [gate for gate in report.gates if not gate.passed]
        found = "; ".join(f"{gate.name}: {gate.figure}, the bar is {gate.bar}" for gate in failed)
        super().__init__(
            f"nothing was written, {len(failed)} of {len(report.gates)} gates failed: {found}. "
            f"Try this: {failed[0].remedy}"
        )


def export(
    model,
    calibration: dict[str, np.ndarray],
    windows: dict[str, np.ndarray],
    targets: np.ndarray,
    metadata: dict,
    path: Path,
    say: Callable[[str], None] = lambda text: None,
) -> Report:
    """Writes the Keras classifier `model` to `path` as an int8 TFLite file that describes itself.

    calibration, windows: float32 windows by input name, (n, ...) as the model takes them; the first set decides the
    ranges, the second is for parity and has true classes `targets` (n,). metadata: what the caller knows (labels, fs,
    leads, preprocessing, …); the quantisation, the parity figures and the reference vectors are added to it.

    Raises ExportError where no integer file comes out, GatesFailed where it misses a bar; neither leaves a file.
    """
    if len(model.outputs) != 1:
        raise InputError(f"{model.name} has {len(model.outputs)} outputs: a classifier with one can be exported")
    count = len(next(iter(calibration.values())))
    if not count or not len(targets):
        raise InputError(f"{count} calibration and {len(targets)} parity windows: export needs some of both")

    say(f"converting in a process of its own, calibrated on {count} windows")
    data = convert(model, calibration)
    description = {
        "format": FORMAT,
        **metadata,
        "parameters": sum(int(np.prod(variable.shape)) for variable in model.trainable_variables),
        **tensors(data, model),
        **read_metadata(data),
    }
    gates = lint(data)
    if all(gate.passed for gate in gates):  # a runtime may crash on what the lint refuses
        say(f"comparing Keras, LiteRT and TensorFlow Lite Micro on {len(targets)} windows")
        data = flatbuffer.set_metadata(data, METADATA, description)
        expected = keras_outputs(model, windows)
        measured = parity(data, windows, expected, targets, metadata["labels"])
        gates = [*gates, *measured.gates]
        description["metrics"] = {"parity": measured.figures}
        data = with_reference(data, description)
        description = read_metadata(data)

    passed = all(gate.passed for gate in gates)
    report = Report(Path(path) if passed else None, len(data), gates, description)
    if not passed:
        raise GatesFailed(report)
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return report


def keras_outputs(model, windows: dict[str, np.ndarray]) -> np.ndarray:
    """What the Keras model answers to `windows`: (n, classes)."""
    import keras

    arrays = [windows[tensor.name] for tensor in model.inputs]
    return model.predict(keras.tree.pack_sequence_as(model._inputs_struct, arrays), batch_size=16, verbose=0)


def tensors(data: bytes, model) -> dict:
    """{"inputs": […], "outputs": […]}: name, shape, dtype, scale and zero point, in the file's order, Keras's names."""
    file = flatbuffer.read(data)
    (graph,) = file.subgraphs
    names = {entry.tensorIndex: entry.name.decode() for entry in file.signatureDefs[0].inputs}
    return {
        "inputs": [described_tensor(graph.tensors[index], names[index]) for index in graph.inputs],
        "outputs": [described_tensor(graph.tensors[index], model.output_names[0]) for index in graph.outputs],
    }


def described_tensor(tensor, name):
    scale, zero_point = flatbuffer.scale_and_zero_point(tensor) or (0.0, 0)
    return {
        "name": name,
        "shape": [int(n) for n in tensor.shape],
        "dtype": flatbuffer.type_name(tensor).lower(),
        "scale": scale,
        "zero_point": zero_point,
    }


def with_reference(data: bytes, description: dict, vectors: int = REFERENCE_VECTORS) -> bytes:
    """The file with `description`, so many reference `vectors` and its digest as metadata.

    Of a few seeds, the one to whose inputs the model answers with the most varied integers short of 0 % and 100 %: a
    saturated answer would prove little about what runs on a device.
    """

    def answers(seed, kernels):
        asked = {**description, "reference": {"seed": seed, "vectors": vectors}}
        return reference_outputs(TFLiteModel(flatbuffer.set_metadata(data, METADATA, asked), kernels=kernels))

    optimised = {seed: answers(seed, "optimised") for seed in REFERENCE_SEEDS}
    seed = max(optimised, key=lambda seed: len(set(bytes.fromhex("".join(optimised[seed]))) - {0x7F, 0x80}))
    outputs = {"reference": answers(seed, "reference"), "optimised": optimised[seed]}
    reference = {"seed": seed, "vectors": vectors, "outputs": outputs}
    return seal(flatbuffer.set_metadata(data, METADATA, {**description, "digest": UNSEALED, "reference": reference}))
