"""Attention to many: a softmax over more entries than 8 bits have steps, with the products behind it, in 16 bits.

The integer softmax has one output scale, 1/256. Attention spread over 500 samples gives each 1/500, which is nothing or
twice as much: vae_bilstm_mha at paper size keeps 7 dB of its reconstruction so, and 29 with the softmax in 16 bits. In
these the scale is 1/32768. What goes into the softmax and what comes out of the products stays in 8.
"""

from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor

SOFTMAX = "SOFTMAX"
STEPS = 256  # of the scale of 8 bits
SCALE = 2.0**-15  # of 16 bits, which the kernels ask for
FINER = 64  # as many steps of 16 bits in a step of 8, so that one of them is exact in the other
WIDENED = {"BATCH_MATMUL", "MEAN"}  # the operators behind it that read the 16 bits


def spread(model: schema.ModelT) -> set[int]:
    """The outputs of every softmax that needs 16 bits."""
    outputs = [(graph, int(o.outputs[0])) for name, o, graph in flatbuffer.operators(model) if name == SOFTMAX]
    return {output for graph, output in outputs if graph.tensors[output].shape[-1] >= STEPS}


def widen(data: bytes) -> bytes:
    """The integer file with each such softmax in 16 bits."""
    model = flatbuffer.read(data)
    for output in sorted(spread(model)):
        _Widener(model).widen(output)
    return flatbuffer.write(model)


class _Widener(Editor):
    def widen(self, weights):
        """The softmax that gives `weights` and what reads them."""
        named = {id(operator): name for name, operator, _ in flatbuffer.operators(self.model)}
        (softmax,) = [operator for operator in self.graph.operators if weights in operator.outputs]
        readers = [operator for operator in self.graph.operators if weights in operator.inputs]
        wide = self.wide(self.shape(weights), SCALE)
        softmax.inputs, softmax.outputs = [self.widened(softmax.inputs[0], softmax)], [wide]
        narrow = weights in self.graph.outputs
        for reader in readers:
            if named[id(reader)] in WIDENED:
                reader.inputs = [wide if n == weights else self.widened(n, reader) for n in reader.inputs]
                self.narrowed(reader)
            else:
                narrow = True
        if narrow:
            self.operator("QUANTIZE", [wide], weights, at=self.graph.operators.index(softmax) + 1)

    def widened(self, tensor, reader):
        """The same numbers in 16 bits, made in front of the operator that reads them."""
        if self.graph.tensors[tensor].type != schema.TensorType.INT8:
            return tensor
        wide = self.wide(self.shape(tensor), self.scale(tensor)[0] / FINER)
        return self.operator("QUANTIZE", [tensor], wide, at=self.graph.operators.index(reader))

    def narrowed(self, maker):
        """The 16-bit result of an operator in the 8 bits that it had, made behind it."""
        (result,) = maker.outputs
        maker.outputs = [self.wide(self.shape(result), self.scale(result)[0] / FINER)]
        self.operator("QUANTIZE", maker.outputs, result, at=self.graph.operators.index(maker) + 1)
