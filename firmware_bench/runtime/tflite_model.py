"""An exported model, executed by the TensorFlow Lite runtime that is installed."""
# ruff: noqa: B905 - Python 3.9 has no zip(strict=)

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import warnings
from typing import Any, NamedTuple

import numpy as np

from firmware_bench.runtime.errors import ModelError
from firmware_bench.runtime.metadata import ModelMetadata, Tensor
from firmware_bench.runtime.metadata_format import find_metadata
from firmware_bench.runtime.pip_command import advise_pip
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.tflite_reader import FlatBufferTable, read_model_file
from firmware_bench.runtime.tflite_verifier import read_model_table

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite.python.interpreter")


class TFLiteRuntime(NamedTuple):
    """A TensorFlow Lite runtime: its classes, and its package and version in words."""

    interpreter: Any
    op_resolver: Any
    version: str


@functools.cache
def load_runtime() -> TFLiteRuntime:
    """Import the first TensorFlow Lite runtime that is installed.

    Raises:
        ModelError: None is installed.
    """
    for name in RUNTIMES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        package = name.split(".")[0]
        version = importlib.import_module(package).__version__
        return TFLiteRuntime(module.Interpreter, module.OpResolverType, f"{package.replace('_', '-')} {version}")
    raise ModelError(f"no TensorFlow Lite runtime is installed: {advise_pip('ai-edge-litert')}")


@contextlib.contextmanager
def _silence_stderr():
    """Keep the runtime's notes ("INFO: Created TensorFlow Lite XNNPACK delegate") off stderr; errors are raised."""
    stderr = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


class TFLiteModel:
    """A TensorFlow Lite model, ready to run.

    Args:
        source: The path of a .tflite file, or its bytes.
        threads: Threads of the runtime.
        kernels: "optimised", as the runtime chooses, or "reference", the plain C++ kernels whose results TensorFlow
            Lite Micro reproduces.
        keep_tensors: Whether `tensor` can read intermediate values after a run; takes more memory.
        verify: Whether to verify the file's structure first; only a file that this process made needs no verification.

    Raises:
        ModelError: The file cannot be read or is damaged, or the runtime cannot load it.

    Attributes:
        name: The path, or "model" for bytes.
        metadata: The metadata in the file; those of a file that carries none have their defaults.
        inputs: The inputs, in order.
        outputs: The outputs, in order.
        runtime: Package and version of the runtime.
        kernels: As given.
    """

    def __init__(
        self,
        source: str | os.PathLike | bytes,
        threads: int = 1,
        kernels: str = "optimised",
        keep_tensors: bool = False,
        verify: bool = True,
    ):
        self.name = "model" if isinstance(source, bytes) else os.fspath(source)
        data = source if isinstance(source, bytes) else read_model_file(source)
        try:
            table = read_model_table(data) if verify else FlatBufferTable.root(data)
            self.metadata = find_metadata(table) or ModelMetadata()
        except ModelError as error:
            raise ModelError(f"{self.name}: {error}") from None

        runtime = load_runtime()
        self.kernels, self.runtime = kernels, runtime.version
        resolver = {"optimised": runtime.op_resolver.AUTO, "reference": runtime.op_resolver.BUILTIN_REF}[kernels]
        try:
            with _silence_stderr(), warnings.catch_warnings():
                # That keep_tensors is for debugging: the kept values are those that the outputs are made of.
                warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors")
                self._interpreter = runtime.interpreter(
                    model_content=data,
                    num_threads=threads,
                    experimental_op_resolver_type=resolver,
                    **({"experimental_preserve_all_tensors": True} if keep_tensors else {}),
                )
                self._interpreter.allocate_tensors()
            self._in, self._out = self._interpreter.get_input_details(), self._interpreter.get_output_details()
            self.inputs = self._tensors(self._in, self.metadata.inputs)
            self.outputs = self._tensors(self._out, self.metadata.outputs)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name}: {self.runtime} cannot load it: {' '.join(str(error).split())}") from None

    def _tensors(self, details, described):
        names = [tensor.name for tensor in described]
        if len(names) != len(details):  # a file without our metadata: "serving_default_ecg:0" is "ecg"
            names = [detail["name"].replace("serving_default_", "").split(":")[0] for detail in details]
        tensors = [
            Tensor(
                name,
                tuple(int(n) for n in detail["shape"]),
                np.dtype(detail["dtype"]).name,
                float(detail["quantization"][0]),
                int(detail["quantization"][1]),
            )
            for name, detail in zip(names, details)
        ]
        for tensor, stated in zip(tensors, described):
            if len(tensors) == len(described) and (tensor.shape, tensor.dtype) != (stated.shape, stated.dtype):
                raise ModelError(
                    f"{self.name}: its metadata describe {tensor.name} as {stated.dtype} {stated.shape}, "
                    f"it is {tensor.dtype} {tensor.shape}: export it again"
                )
        return tensors

    def run_raw(self, arrays) -> list[np.ndarray]:
        """Run one window. The variables of LSTMs are reset first, so nothing of an earlier window has an effect.

        Args:
            arrays: One array per input, in order, of the input's shape (with the batch axis) and type.

        Returns:
            Copies of the outputs, in order, with the batch axis.

        Raises:
            ModelError: The runtime fails, or an array has another shape or type.
        """
        self._interpreter.reset_all_variables()
        try:
            for array, detail in zip(arrays, self._in):
                self._interpreter.set_tensor(detail["index"], array)
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name}: {' '.join(str(error).split())}") from None
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._out]

    def tensor(self, index: int) -> np.ndarray:
        """Return a copy of the tensor of that number in the file, as the last run left it; needs `keep_tensors`."""
        return self._interpreter.get_tensor(index)

    def tensor_shapes(self) -> dict[int, tuple[int, ...]]:
        """Return the shape of every tensor by its number in the file, as the runtime computes them."""
        details = self._interpreter.get_tensor_details()
        return {detail["index"]: tuple(int(n) for n in detail["shape"]) for detail in details}

    def run(self, window):
        """Run one window of real values.

        Args:
            window: float32 (samples, leads), or arrays by input name for a model of several inputs, without the batch
                axis.

        Returns:
            The output, float32 without the batch axis, or outputs by name for a model of several outputs.

        Raises:
            ModelError: An input is missing or has another shape, or the runtime fails.
        """
        if not isinstance(window, dict):
            window = {self.inputs[0].name: window}
        arrays = []
        for tensor in self.inputs:
            if tensor.name not in window:
                raise ModelError(f"{self.name}: input {tensor.name} is missing")
            values = np.asarray(window[tensor.name], np.float32)
            if values.shape != tensor.shape[1:]:
                raise ModelError(f"{self.name}: input {tensor.name} takes {tensor.shape[1:]}, got {values.shape}")
            arrays.append(quantise(values[None], tensor.scale, tensor.zero_point, tensor.dtype))
        values = {
            tensor.name: dequantise(raw[0], tensor.scale, tensor.zero_point)
            for tensor, raw in zip(self.outputs, self.run_raw(arrays))
        }
        return values if len(values) > 1 else next(iter(values.values()))
