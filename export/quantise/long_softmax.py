"""int16 softmax for rows of 256 keys and more, with the products that read it.

The integer softmax has one output scale, 1/256. Attention over 500 samples gives each about 1/500, which rounds to
nothing or to twice as much: vae_bilstm_mha at paper size keeps 7 dB of its reconstruction so, and 29 with the softmax
in 16 bits, whose scale is 1/32768. The input of the softmax and the output of the products stay in 8 bits.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.tflite import flatbuffer
from export.tflite.editor import Editor
from export.tflite.operator_facts import facts

SOFTMAX = "SOFTMAX"
LONG_ROW = 256  # keys: the steps of the 8-bit scale
INT16_SCALE = 2.0**-15  # the output scale of the 16-bit kernels
INT16_STEPS_PER_INT8_STEP = 64  # a power of two, so that a number of 8 bits is exact in 16


def long_softmax_outputs(model: schema.ModelT) -> set[int]:
    """The output tensors of every softmax over rows of LONG_ROW keys and more."""
    outputs = [(graph, int(o.outputs[0])) for name, o, graph in flatbuffer.operators(model) if name == SOFTMAX]
    return {output for graph, output in outputs if graph.tensors[output].shape[-1] >= LONG_ROW}


def widen_long_softmax(data: bytes) -> bytes:
    """Gives every long softmax of an integer file 16 bits.

    Args:
        data: An int8 TFLite file.

    Returns:
        The file with 16-bit tensors from the input of such a softmax to the products that read it.
    """
    model = flatbuffer.read(data)
    for output in sorted(long_softmax_outputs(model)):
        _SoftmaxEditor(model).widen_softmax(output)
    return flatbuffer.write(model)


class _SoftmaxEditor(Editor):
    def widen_softmax(self, weights):
        """Widens the softmax whose output is `weights`, and what reads it."""
        names = {id(operator): name for name, operator, _ in flatbuffer.operators(self.model)}
        (softmax,) = [operator for operator in self.graph.operators if weights in operator.outputs]
        readers = [operator for operator in self.graph.operators if weights in operator.inputs]
        wide = self.tensor(self.shape(weights), np.int16, INT16_SCALE)
        softmax.inputs, softmax.outputs = [self.widen_input(softmax.inputs[0], softmax)], [wide]
        int8_needed = weights in self.graph.outputs
        for reader in readers:
            if facts(names[id(reader)]).reads_int16:
                reader.inputs = [wide if n == weights else self.widen_input(n, reader) for n in reader.inputs]
                self.narrow_output(reader)
            else:
                int8_needed = True
        if int8_needed:
            self.operator("QUANTIZE", [wide], weights, at=self.position(softmax) + 1)

    def widen_input(self, tensor, reader):
        """Adds the same numbers in 16 bits, computed in front of the operator that reads them."""
        if self.graph.tensors[tensor].type != schema.TensorType.INT8:
            return tensor
        wide = self.tensor(self.shape(tensor), np.int16, self.quantisation(tensor)[0] / INT16_STEPS_PER_INT8_STEP)
        return self.operator("QUANTIZE", [tensor], wide, at=self.position(reader))

    def narrow_output(self, operator):
        """Gives an operator a 16-bit output, and computes the 8-bit one from it behind the operator."""
        (output,) = operator.outputs
        scale = self.quantisation(output)[0] / INT16_STEPS_PER_INT8_STEP
        operator.outputs = [self.tensor(self.shape(output), np.int16, scale)]
        self.operator("QUANTIZE", operator.outputs, output, at=self.position(operator) + 1)
