"""A float TFLite file as a differentiable TensorFlow function: any registered model's operators, not its layers.

Quantisation-aware training then runs on the very graph that becomes integers: batch norm is folded, LSTMs are one
operator, and every tensor that will have a scale is visible. Values have the batch in front of the file's own shapes,
(n, *shape), so that a file for one window takes many, wherever its own batch axis has been moved.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from export.quantise.float_operators import OPERATORS, OperatorCall
from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.operator_facts import facts
from export.tflite.unrolled_steps import name_in_every_step
from firmware_bench.runtime.errors import InputError


class FloatGraph:
    """The only subgraph of a float file. Every weight and bias is made to belong to one operator.

    Args:
        data: The float TFLite file, batch 1.

    Attributes:
        inputs, outputs: Name by the file's signature → tensor.
        constants: Tensor → its values.
        weights: Tensor → axis of the channels that have a scale each, None for one scale.
        biases: Tensors.

    Raises:
        InputError: An operator is not known here.
    """

    def __init__(self, data: bytes):
        self.file = flatbuffer.read(data)
        self.editor = Editor(self.file)
        self.subgraph = self.editor.graph
        (signature,) = self.file.signatureDefs
        self.inputs = {entry.name.decode(): int(entry.tensorIndex) for entry in signature.inputs}
        self.outputs = {entry.name.decode(): int(entry.tensorIndex) for entry in signature.outputs}
        self.operators = [(name, operator) for name, operator, _ in flatbuffer.operators(self.file)]
        unknown = {name for name, _ in self.operators} - OPERATORS.keys()
        if unknown:
            layer = next(
                flatbuffer.tensor_name(self.tensor(o.outputs[0])) for name, o in self.operators if name in unknown
            )
            raise InputError(f"{layer}: the operator {', '.join(sorted(unknown))} has no integer form here")
        self.weights: dict[int, int | None] = {}
        self.biases: set[int] = set()
        self._of_steps: dict[tuple[str, int], int] = {}
        for name, operator in self.operators:
            known = facts(name)
            self.weights |= {self._own_input(operator, place): axis for place, axis in known.weights.items()}
            present = [place for place in known.biases if flatbuffer.has_input(operator, place)]
            self.biases |= {self._own_input(operator, place) for place in present}
        constants = filter(self.editor.is_constant, range(len(self.subgraph.tensors)))
        self.constants = {tensor: self.editor.values(tensor) for tensor in constants}

    def _own_input(self, operator: schema.OperatorT, place: int) -> int:
        """Makes a constant belong to one operator, or to the same operator in every step of an unrolled loop."""
        name = name_in_every_step(flatbuffer.tensor_name(self.tensor(int(operator.outputs[0]))))
        if name is None:
            return self.editor.own_input(operator, place)
        before = self._of_steps.get((name, place))
        if before is None:
            self._of_steps[name, place] = self.editor.own_input(operator, place)
        else:
            self.editor.set_input(operator, place, before)
        return self._of_steps[name, place]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The tensor's shape in the file."""
        return self.editor.shape(tensor)

    def tensor(self, index: int) -> schema.TensorT:
        """The tensor in the file."""
        return self.subgraph.tensors[index]

    def set_constant(self, tensor: int, values: np.ndarray) -> None:
        """Writes new values of a weight or bias into `file`."""
        self.editor.set_values(tensor, np.ascontiguousarray(values, np.float32))

    def run(
        self,
        inputs: Mapping[str, tf.Tensor],
        constant: Callable = lambda tensor, values: values,
        activation: Callable = lambda tensor, values: values,
    ) -> dict[int, tf.Tensor]:
        """Computes every activation.

        Args:
            inputs: Name → (n, …).
            constant: `constant(tensor, values)` replaces a float constant.
            activation: `activation(tensor, values)` replaces an input or the output of an operator.

        Returns:
            Tensor → (n, *shape).
        """
        values = {}

        def value(tensor):
            if tensor in values:
                return values[tensor]
            known = self.constants[tensor]
            return known if known.dtype == np.int32 else constant(tensor, known)

        for name, tensor in self.inputs.items():
            windows = tf.convert_to_tensor(inputs[name])
            values[tensor] = activation(tensor, tf.reshape(windows, (-1, *self.shape(tensor))))
        for name, operator in self.operators:
            call = OperatorCall(self, operator, value, lambda x, tensor=int(operator.outputs[0]): activation(tensor, x))
            results = OPERATORS[name](call)
            for tensor, result in zip(
                operator.outputs, results if isinstance(results, list) else [results], strict=True
            ):
                shaped = tf.reshape(result, (-1, *self.shape(tensor)))
                values[int(tensor)] = activation(int(tensor), shaped)
        return values
