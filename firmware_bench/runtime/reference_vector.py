"""The reference vector of an exported model: inputs that any machine can generate, and the outputs that are right.

The reference input is made in integer arithmetic only, so that a device can make it again in C. x is a 32-bit number,
the seed at the start, and `draw` is Marsaglia's xorshift32: x ^= x << 13; x ^= x >> 17; x ^= x << 5; the draw is the
new x. For every vector v = 0, 1, …, and for every input in the file's order, as samples × leads (axes 1 and 2 …):

    rate = the sampling rate in Hz, rounded down, at least 50
    period = rate * (40 + draw % 80) / 100                      integer division everywhere
    jitter = period / 2 for an odd v, else 0
    for every lead: a draw d; height = 24 + d % 40, negative where bit 16 of d is set
    for every sample: a draw, noise[sample] = that draw
    beats at b = draw % period, then b += period + draw % (jitter + 1), while b < samples
    shape[t] = sum over the beats of three triangles  h * max(0, w - |t - b - o|) / w  with (o, w, h) =
        (-rate/6, rate/25 + 1, 10), (0, rate/25 + 1, 64), (rate/4, rate/10 + 1, 16)     P wave, QRS complex, T wave
    n = 1 << (v % 4)
    value = sign * (|height| * shape[t] / 64) + (noise[t] >> (lead % 16)) % (2 * n + 1) - n

The input is value + zero_point (int8, uint8), 256 * value + zero_point (int16), both clipped to the type's range, or
value * scale (float32; scale 1/32 where the metadata record none).

Where the form is "rows", every even v has rows of random numbers over the whole range of the type instead, as features
of a beat are, and as many as a window has of them:

    valid = samples / 4 + draw % (samples - samples / 4 + 1)
    for every sample: a draw, noise[sample] = that draw
    value = (noise[t] * (2 * lead + 1) mod 2^32) >> 24, for t < valid

The input is value - 128 (int8), value (uint8), 256 * (value - 128) (int16) or (value - 128) * scale (float32), and for
t >= valid the zero point, or 0.0. What is compared is every output, or, where the
metadata limit the number of "values", that many of each output, evenly spaced from its first to its last.

Reference: G. Marsaglia, Xorshift RNGs, Journal of Statistical Software 8(14), 2003.
"""
# ruff: noqa: B905 - Python 3.9 has no zip(strict=)

from __future__ import annotations

import hashlib

import numpy as np

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, ReferenceMetadata, Tensor
from firmware_bench.runtime.pip_command import advise_pip
from firmware_bench.runtime.quantisation import dequantise
from firmware_bench.runtime.tflite_model import TFLiteModel

FLOAT_TOLERANCE = 1e-4  # of float outputs, where the metadata state none; integers may not differ at all


def make_reference_inputs(metadata: ModelMetadata) -> list[list[np.ndarray]]:
    """Generate the inputs of the reference vectors, ECG-like pulses and noise, as described above.

    Args:
        metadata: Metadata of an exported model.

    Returns:
        Per vector and per input an array of the input's shape (with the batch axis) and type.

    Raises:
        ModelError: The metadata have no reference vector.
    """
    reference, rate = read_reference(metadata), find_signal_rate(metadata.fs)
    x = reference.seed & 0xFFFFFFFF or 1  # xorshift never leaves 0

    def draw():
        nonlocal x
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        return x

    def draw_signal(vector, samples, leads):
        period = rate * (40 + draw() % 80) // 100
        jitter = period // 2 if vector % 2 else 0
        heights = np.array([(24 + d % 40) * (-1 if d >> 16 & 1 else 1) for d in (draw() for _ in range(leads))])
        noise = np.array([draw() for _ in range(samples)], np.int64)
        shape = np.zeros(samples, np.int64)
        beat = draw() % period
        while beat < samples:
            _add_triangle(shape, beat - rate // 6, rate // 25 + 1, 10)
            _add_triangle(shape, beat, rate // 25 + 1, 64)
            _add_triangle(shape, beat + rate // 4, rate // 10 + 1, 16)
            beat += period + draw() % (jitter + 1)
        n = 1 << vector % 4
        pulses = np.sign(heights) * (abs(heights) * shape[:, None] // 64)  # (samples, leads)
        return pulses + (noise[:, None] >> np.arange(leads) % 16) % (2 * n + 1) - n

    def draw_rows(samples, leads):
        """Random rows, -128 to 127, and which of them are valid: (samples, leads), (samples,)."""
        valid = samples // 4 + draw() % (samples - samples // 4 + 1)
        noise = np.array([draw() for _ in range(samples)], np.uint64)
        products = noise[:, None] * (2 * np.arange(leads, dtype=np.uint64) + 1) & 0xFFFFFFFF
        return (products >> 24).astype(np.int64) - 128, np.arange(samples) < valid

    def draw_input(vector, tensor):
        shape, dtype = tensor.shape, np.dtype(tensor.dtype)
        samples, leads = shape[1] if len(shape) > 1 else 1, int(np.prod(shape[2:]))
        if reference.form == "rows" and vector % 2 == 0:
            rows, valid = draw_rows(samples, leads)
            if dtype.kind == "f":
                rows = np.where(valid[:, None], rows * np.float32(tensor.scale or 1 / 32), 0.0)
            else:
                rows = rows + 128 if dtype.kind == "u" else rows * (256 if dtype.itemsize > 1 else 1)
                rows = np.where(valid[:, None], rows, tensor.zero_point)
            return rows.astype(dtype).reshape(shape)
        signal = draw_signal(vector, samples, leads).reshape(shape)
        if dtype.kind == "f":
            return (signal * np.float32(tensor.scale or 1 / 32)).astype(dtype)
        limits = np.iinfo(dtype)
        signal = signal * (256 if dtype.itemsize > 1 else 1) + tensor.zero_point
        return np.clip(signal, limits.min, limits.max).astype(dtype)

    return [[draw_input(vector, tensor) for tensor in metadata.inputs] for vector in range(reference.vectors)]


def find_signal_rate(fs: float) -> int:
    """Find the rate of the reference inputs in Hz: that of the model, rounded down, at least 50."""
    return max(50, int(fs))


def _add_triangle(shape, centre, width, height):
    """Add a triangle to `shape`, integers (samples,), as far as it lies within."""
    start, stop = max(0, centre - width + 1), min(len(shape), centre + width)
    if start < stop:
        shape[start:stop] += height * (width - abs(np.arange(start, stop) - centre)) // width


def compute_reference_outputs(model: TFLiteModel) -> list[str]:
    """Run a model on its reference inputs.

    Returns:
        Per vector, the bytes of the outputs in order, as hex.
    """
    inputs = make_reference_inputs(model.metadata)
    reference = read_reference(model.metadata)
    positions = [_compared_positions(reference, tensor) for tensor in model.outputs]
    return [
        b"".join(raw.ravel()[places].tobytes() for raw, places in zip(model.run_raw(arrays), positions)).hex()
        for arrays in inputs
    ]


def _compared_positions(reference, tensor):
    """The positions of the values of an output that the reference vector has."""
    size, limit = int(np.prod(tensor.shape)), reference.values
    if limit is None or size <= limit:
        return np.arange(size)
    return np.arange(limit) * (size - 1) // (limit - 1)


def verify_reference(model: TFLiteModel) -> str:
    """Check that the model reproduces its recorded reference outputs here.

    Integers must be equal to the byte. A file that computes partly in floats states by how much its outputs may differ
    between processors: metadata.reference.tolerance, absolute, in the outputs' own unit.

    Returns:
        Which of the recorded outputs it reproduces: those of the "optimised" or of the "reference" kernels.

    Raises:
        ModelError: It reproduces neither, or the metadata record no outputs.
    """
    recorded = read_recorded_outputs(model.metadata, model.name)
    reference = read_reference(model.metadata, model.name)
    outputs = compute_reference_outputs(model)
    kinds = [kind for kind in ("optimised", "reference") if kind in recorded]
    for kind in sorted(kinds, key=lambda kind: kind != model.kernels):  # its own kernels' outputs first
        if len(recorded[kind]) == len(outputs) and all(
            _vectors_agree(model, reference, ours, theirs) for ours, theirs in zip(outputs, recorded[kind])
        ):
            return kind
    version = model.metadata.versions.get("ai-edge-litert")
    package = "ai-edge-litert" + (f"=={version}" if version else "")
    raise ModelError(
        f"{model.name}: {model.runtime} does not compute the recorded reference vector, so its figures "
        f"would be another model's: copy a damaged file again, or {advise_pip(package)}"
    )


def read_reference(metadata: ModelMetadata, name: str = "the model") -> ReferenceMetadata:
    """Return the reference vector of a model.

    Args:
        metadata: Metadata of an exported model.
        name: The name of the file, for the error message.

    Raises:
        ModelError: The metadata have none.
    """
    if metadata.reference is None:
        raise ModelError(
            f"{name}: its metadata hold no reference vector, so nothing proves that what runs here "
            "is the model: export it with ecg-edge export"
        )
    return metadata.reference


def read_recorded_outputs(metadata: ModelMetadata, name: str) -> dict[str, tuple[str, ...]]:
    """Return the outputs of the reference vector, by kind of kernels.

    Args:
        metadata: Metadata of an exported model.
        name: The name of the file, for the error message.

    Raises:
        ModelError: The metadata record none.
    """
    outputs = read_reference(metadata, name).outputs
    if not outputs:
        raise ModelError(f"{name}: its reference vector has no outputs: export it with ecg-edge export")
    return outputs


def digest_outputs(outputs: str) -> str:
    """Return the digest that replaces long integer outputs, given in hex, in the metadata."""
    return f"sha256:{hashlib.sha256(bytes.fromhex(outputs)).hexdigest()}"


def _vectors_agree(model, reference, ours, theirs):
    """Whether outputs in hex are the recorded ones, within the tolerance if there is one, or have their digest."""
    if theirs.startswith("sha256:"):
        return digest_outputs(ours) == theirs
    try:
        ours, theirs = bytes.fromhex(ours), bytes.fromhex(theirs)
    except ValueError:
        return False
    if len(ours) != len(theirs):
        return False
    start = 0
    for tensor in model.outputs:
        dtype = np.dtype(tensor.dtype)
        stop = start + len(_compared_positions(reference, tensor)) * dtype.itemsize
        our, their = (np.frombuffer(side[start:stop], dtype.newbyteorder("<")) for side in (ours, theirs))
        if not outputs_agree(tensor, our, their, reference.tolerance):
            return False
        start = stop
    return True


def outputs_agree(tensor: Tensor, ours: np.ndarray, theirs: np.ndarray, limit: float | None) -> bool:
    """Compare two raw outputs. NaN agrees with nothing.

    Args:
        tensor: The output.
        ours: Its values on one machine.
        theirs: Its values on another machine, or the recorded ones.
        limit: The largest absolute difference, in the output's own unit. None: integers must be equal to the byte, and
            floats agree within FLOAT_TOLERANCE, relative and absolute.
    """
    if limit is None:
        if np.dtype(tensor.dtype).kind != "f":
            return np.array_equal(ours, theirs)
        return np.allclose(ours, theirs, FLOAT_TOLERANCE, FLOAT_TOLERANCE)
    ours, theirs = (dequantise(side, tensor.scale, tensor.zero_point).astype(np.float64) for side in (ours, theirs))
    return bool(np.all(np.abs(ours - theirs) <= limit))
