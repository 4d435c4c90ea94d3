"""From a trained Keras model to a file that has proved itself: convert, describe, check, and only then write."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from export.convert.converter_process import Windows, convert, needs_16_bits
from export.tflite import flatbuffer
from export.verify.acceptance import Gate
from export.verify.lint import lint
from export.verify.parity import parity
from firmware_bench.runtime.errors import AcceptanceError, InputError
from firmware_bench.runtime.files import atomic_write
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata, Tensor
from firmware_bench.runtime.metadata_format import DIGEST_PLACEHOLDER, insert_digest, read_metadata
from firmware_bench.runtime.reference_vector import compute_reference_outputs, digest_outputs
from firmware_bench.runtime.tflite_model import TFLiteModel

REFERENCE_VECTORS = 4
REFERENCE_SEEDS = range(1, 9)
FLOATS = 16  # of an output recorded with each: as numbers, since there is no digest of what may differ a little
LONG = 128  # digits of outputs in hex; more are recorded as their digest


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome of an export. `path` is None, and nothing was written, where a gate did not pass. answers: a row for
    every way to compute the model, each its outputs to the check windows by name. layers:
    export.quantise.layer_error.errors."""

    path: Path | None
    size: int  # bytes
    gates: Sequence[Gate]
    metadata: ModelMetadata
    answers: Mapping[str, Mapping[str, np.ndarray]]
    layers: Sequence[dict]


class GatesFailed(AcceptanceError):
    """An integer file was made and is not good enough; `report` has every gate."""

    def __init__(self, report: Report):
        self.report = report
        failed = [gate for gate in report.gates if not gate.passed]
        found = "; ".join(f"{gate.name}: {gate.figure}, the bar is {gate.bar}" for gate in failed)
        worst = report.layers[0] if report.layers else None
        where = f" Worst layer: {worst['tensor']} ({worst['operator']}), {worst['decibels']:.1f} dB." if worst else ""
        super().__init__(
            f"nothing was written, {len(failed)} of {len(report.gates)} gates failed: {found}.{where} "
            f"Try this: {failed[0].remedy}"
        )


def export(
    model,
    windows: Windows,
    judged: Callable[[Mapping, Mapping], tuple[Sequence[Gate], dict]],
    metadata: ModelMetadata,
    path: Path,
    target: str = "mcu",
    epochs: int = 0,
    say: Callable[[str], None] = lambda text: None,
    advance: Callable[[str, int, int], None] = lambda stage, done, total: None,
    choose: Callable[[bytes], dict] | None = None,
) -> Report:
    """Writes the Keras `model` to `path` as an integer TFLite file that describes itself, with 16-bit activations where
    a layer of it needs them.

    judged: as export.parity.parity wants it. metadata: what the caller knows (labels, fs, leads, preprocessing, …); the
    quantisation, the parity figures and the reference vectors are added to it. target, epochs: as
    export.convert.converter_process.convert wants them. choose: the thresholds and the like for a file that passed, by
    its own answers.

    Raises ExportError where no integer file comes out, GatesFailed where it misses a bar; neither leaves a file.
    """
    count, checked = Windows.count(windows.calibration), Windows.count(windows.check)
    if not count or not checked:
        raise InputError(f"{count} calibration and {checked} parity windows: export needs some of both")
    if epochs and not Windows.count(windows.training):
        raise InputError("no windows are left to fine-tune with: train on more recordings, or leave out --qat")

    if layer := needs_16_bits(model):
        from export.convert.whole_window import check

        if target == "mcu":
            check(model)
        if epochs:
            raise InputError(
                f"layer {layer!r} needs 16-bit activations, which are found by calibration alone: leave out --qat"
            )
    say(f"converting in a process of its own, calibrated on {count} windows")
    made = convert(model, windows, target, epochs, advance=advance)
    names = output_names(model, made.data)
    inputs, outputs = describe_tensors(made.data, names)
    description = dataclasses.replace(
        metadata,
        parameters=count_parameters(model),
        inputs=inputs,
        outputs=outputs,
        quantisation=read_metadata(made.data).quantisation,
    )
    data, gates = made.data, lint(made.data, target)
    answers = {}
    if all(gate.passed for gate in gates):  # a runtime may crash on what the lint refuses
        say(f"comparing it with Keras on {checked} windows")
        data = flatbuffer.set_metadata(data, description)
        expected = keras_outputs(model, windows.check)
        measured = parity(data, windows.check, expected, judged)
        rounded = {names[name]: values for name, values in made.checked.items()}
        answers = {"Keras, float": expected, **({"fake-quantised": rounded} if rounded else {}), **measured.answers}
        gates = [*gates, *measured.gates]
        description = dataclasses.replace(description, metrics={"parity": measured.figures})
        if choose and all(gate.passed for gate in gates):
            description = dataclasses.replace(description, decision=choose(data))
        data = with_reference(data, description)
        description = read_metadata(data)

    return written(path, data, gates, description, answers, made.layers)


def written(
    path: Path, data: bytes, gates: Sequence[Gate], description: ModelMetadata, answers: Mapping, layers
) -> Report:
    """The report on `data`, which is at `path` then. Raises GatesFailed, and leaves no file, where it misses a bar."""
    passed = all(gate.passed for gate in gates)
    report = Report(Path(path) if passed else None, len(data), gates, description, answers, layers)
    if not passed:
        raise GatesFailed(report)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    return report


def keras_outputs(model, windows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the Keras model answers to `windows`: output name → (n, …)."""
    import keras

    arrays = [windows[tensor.name] for tensor in model.inputs]
    answers = model.predict(keras.tree.pack_sequence_as(model._inputs_struct, arrays), batch_size=16, verbose=0)
    return answers if isinstance(answers, dict) else {model.output_names[0]: answers}


def output_names(model, data: bytes) -> dict[str, str]:
    """The names of the outputs in the file's signature → in Keras: the converter renames the only one."""
    (signature,) = flatbuffer.read(data).signatureDefs
    names = [entry.name.decode() for entry in signature.outputs]
    return {names[0]: model.output_names[0]} if len(names) == 1 else {name: name for name in names}


def count_parameters(model) -> int:
    """Return the number of trainable parameters of a Keras model."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def describe_tensors(data: bytes, names: Mapping[str, str]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The inputs and the outputs of a file, in order. names: of outputs in the file's signature → in the metadata."""
    file = flatbuffer.read(data)
    (graph,), (signature,) = file.subgraphs, file.signatureDefs
    inputs = {entry.tensorIndex: entry.name.decode() for entry in signature.inputs}
    outputs = {entry.tensorIndex: names[entry.name.decode()] for entry in signature.outputs}
    return (
        tuple(describe_tensor(graph.tensors[index], inputs[index]) for index in graph.inputs),
        tuple(describe_tensor(graph.tensors[index], outputs[index]) for index in graph.outputs),
    )


def describe_tensor(tensor, name: str) -> Tensor:
    """An input or output of the graph, called `name`."""
    scale, zero_point = flatbuffer.scale_and_zero_point(tensor) or (0.0, 0)
    return Tensor(name, tuple(int(n) for n in tensor.shape), flatbuffer.type_name(tensor).lower(), scale, zero_point)


def with_reference(data: bytes, description: ModelMetadata, vectors: int = REFERENCE_VECTORS) -> bytes:
    """The file with `description`, so many reference `vectors` and its digest as metadata.

    Of a few seeds, the one to whose inputs the model answers with the most varied integers short of 0 % and 100 %: a
    saturated answer would prove little about what runs on a device.
    """

    floats = any(tensor.dtype.startswith("float") for tensor in description.outputs)
    values = FLOATS if floats else None

    def answers(seed, kernels):
        asked = dataclasses.replace(description, reference=ReferenceMetadata(seed, vectors, values), digest="")
        return compute_reference_outputs(TFLiteModel(flatbuffer.set_metadata(data, asked), kernels=kernels))

    optimised = {seed: answers(seed, "optimised") for seed in REFERENCE_SEEDS}
    seed = max(optimised, key=lambda seed: len(set(bytes.fromhex("".join(optimised[seed]))) - {0x7F, 0x80}))
    outputs = {"reference": answers(seed, "reference"), "optimised": optimised[seed]}
    if floats:  # within the tolerance both sets are one
        tolerance, recorded = _tolerance(outputs), {"optimised": tuple(outputs["optimised"])}
    else:
        tolerance = None
        recorded = {
            kernels: tuple(digest_outputs(each) if len(each) > LONG else each for each in vectors_of)
            for kernels, vectors_of in outputs.items()
        }
    reference = ReferenceMetadata(seed, vectors, values, tolerance, recorded)
    description = dataclasses.replace(description, digest=DIGEST_PLACEHOLDER, reference=reference)
    return insert_digest(flatbuffer.set_metadata(data, description))


def _tolerance(outputs):
    """By how much float outputs that integers have led to may differ between processors: twice
    what two sets of kernels differ by here, and two steps of 8 bits at least."""
    ours, theirs = (
        np.frombuffer(bytes.fromhex("".join(outputs[kernels])), "<f4") for kernels in ("reference", "optimised")
    )
    return round(float(2 * max(np.abs(ours - theirs).max(), np.abs(ours).max() / 256)), 6)
