"""The one way to change a TFLite file: adds tensors, constants and operators, and replaces constants."""

import copy
from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import DTypeLike

from export.tflite import flatbuffer
from export.tflite.operator_facts import facts

_LAST_OLD_CODE = 127  # operators above it stand in the newer of the two fields for a code


class Editor:
    """Edits the one graph of a file. Tensors are known by their index.

    Args:
        model: The file's object tree, which is changed in place.
    """

    def __init__(self, model: schema.ModelT):
        self.model = model
        (self.graph,) = model.subgraphs

    @staticmethod
    def new_model() -> schema.ModelT:
        """A file without tensors and operators."""
        graph = schema.SubGraphT(tensors=[], operators=[], inputs=[], outputs=[])
        return schema.ModelT(version=3, operatorCodes=[], subgraphs=[graph], buffers=[schema.BufferT()])

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The tensor's shape; () for a scalar."""
        shape = self.graph.tensors[tensor].shape
        return () if shape is None else tuple(int(n) for n in shape)

    def quantisation(self, tensor: int) -> tuple[float, int]:
        """Scale and zero point of a tensor that is quantised as a whole."""
        found = flatbuffer.scale_and_zero_point(self.graph.tensors[tensor])
        assert found is not None, "the tensor is not quantised"
        return found

    def is_constant(self, tensor: int) -> bool:
        """Whether the file holds the tensor's numbers."""
        return flatbuffer.constant_values(self.model, self.graph.tensors[tensor]) is not None

    def values(self, tensor: int) -> np.ndarray:
        """The numbers of a constant, in its shape and type."""
        found = flatbuffer.constant_values(self.model, self.graph.tensors[tensor])
        assert found is not None, "the tensor is an activation"
        return found

    def tensor(
        self,
        shape: Sequence[int],
        dtype: DTypeLike = np.int8,
        scale: float | Sequence[float] | np.ndarray | None = None,
        zero_point: int = 0,
        like: int | None = None,
        name: str | None = None,
    ) -> int:
        """Adds an activation.

        Args:
            shape: Its shape.
            dtype: A numpy type.
            scale: One, or one for each channel; None for a tensor that is not quantised.
            zero_point: That of all channels.
            like: A tensor whose scale and zero point it takes instead.
            name: Its name in the file.

        Returns:
            Its index.
        """
        if like is not None:
            scale, zero_point = self.quantisation(like)
        scales = [] if scale is None else [float(each) for each in np.ravel(scale)]
        parameters = schema.QuantizationParametersT(scale=scales, zeroPoint=[zero_point] * len(scales))
        added = schema.TensorT(
            shape=[int(n) for n in shape],
            type=flatbuffer.tensor_type(dtype),
            buffer=0,
            quantization=parameters if scales else None,
            name=name and name.encode(),
        )
        self.graph.tensors.append(added)
        return len(self.graph.tensors) - 1

    def constant(
        self,
        values: np.ndarray,
        scale: float | Sequence[float] | np.ndarray | None = None,
        zero_point: int = 0,
        name: str | None = None,
    ) -> int:
        """Adds a constant of the values' shape and type; arguments and result as of `tensor`."""
        tensor = self.tensor(values.shape, values.dtype.type, scale, zero_point, name=name)
        self.set_values(tensor, values)
        return tensor

    def set_values(self, tensor: int, values: np.ndarray) -> None:
        """Gives a constant other numbers and their type, in a buffer that no other tensor refers to."""
        changed = self.graph.tensors[tensor]
        changed.type = flatbuffer.tensor_type(values.dtype.type)
        self.model.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        changed.buffer = len(self.model.buffers) - 1

    def set_scale(self, tensor: int, scale: float) -> None:
        """Gives a tensor one scale, zero point 0."""
        self.graph.tensors[tensor].quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[0])

    def own_input(self, operator: schema.OperatorT, position: int) -> int:
        """Makes a constant input of `operator` one that no other operator has: the converter merges equal ones.

        Returns:
            The index of the copy.
        """
        added = copy.copy(self.graph.tensors[operator.inputs[position]])
        self.model.buffers.append(copy.copy(self.model.buffers[added.buffer]))
        added.buffer = len(self.model.buffers) - 1
        added.name = (added.name or b"") + b"/%d" % len(self.graph.tensors)
        self.graph.tensors.append(added)
        self.set_input(operator, position, len(self.graph.tensors) - 1)
        return len(self.graph.tensors) - 1

    def set_input(self, operator: schema.OperatorT, position: int, tensor: int) -> None:
        """Lets `operator` read another tensor."""
        operator.inputs = [tensor if n == position else int(other) for n, other in enumerate(operator.inputs)]

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        output: int,
        at: int | None = None,
        version: int | None = None,
        options: object | None = None,
        **fields,
    ) -> int:
        """Adds an operator.

        Args:
            name: The schema's name, such as CONV_2D.
            inputs: Its inputs.
            output: Its output.
            at: Its place in the order of execution; None: behind all others.
            version: Another version than that of operator_facts.
            options: Its options as the schema's object; None: those of operator_facts with `fields`.

        Returns:
            The output.
        """
        known = facts(name)
        if options is None and known.options:
            options = known.options(**fields)
        operator = schema.OperatorT(
            opcodeIndex=self._operator_code(name, known.version if version is None else version),
            inputs=[*inputs],
            outputs=[output],
        )
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        self.graph.operators.insert(len(self.graph.operators) if at is None else at, operator)
        return output

    def _operator_code(self, name, version):
        code = flatbuffer.BUILTIN_OPERATORS[name]
        for index, entry in enumerate(self.model.operatorCodes):
            if max(entry.builtinCode, entry.deprecatedBuiltinCode) == code:
                return index
        added = schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, _LAST_OLD_CODE), version=version)
        self.model.operatorCodes.append(added)
        return len(self.model.operatorCodes) - 1

    def position(self, operator: schema.OperatorT) -> int:
        """The place of `operator` in the order of execution."""
        return next(n for n, other in enumerate(self.graph.operators) if other is operator)

    def reshape(self, tensor: int, shape: Sequence[int], **place) -> int:
        """Adds a RESHAPE of `tensor`; its output."""
        output = self.tensor(shape, like=tensor)
        return self.reshape_to(tensor, output, **place)

    def reshape_to(self, tensor: int, output: int, at: int | None = None) -> int:
        """Adds a RESHAPE of `tensor` to the existing tensor `output`; its output."""
        shape = self.shape(output)
        wanted = self.constant(np.array(shape, np.int32))
        return self.operator("RESHAPE", [tensor, wanted], output, at=at, newShape=[*shape])
