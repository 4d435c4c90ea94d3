"""Every operator that there is a C kernel for: from its tensors and options to a step of the program.

Each function takes (name, operator, inputs, output), the inputs as views (None for a constant or what is left out),
and returns the Step. The arithmetic is that of LiteRT's reference kernels, down to how each factor is rounded.
"""

from export.c99.convolutions import convolution, dense, depthwise, transposed_convolution
from export.c99.copies import concatenation, pad, reverse, strided_slice, transpose
from export.c99.elementwise import binary, sigmoid
from export.c99.matrices import matrix_product, normalise, softmax
from export.c99.pools import max_pool, mean

STEPS = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "TRANSPOSE_CONV": transposed_convolution,
    "FULLY_CONNECTED": dense,
    "MAX_POOL_2D": max_pool,
    "MEAN": mean,
    "ADD": lambda *a: binary("ecg_add", *a),
    "SUB": lambda *a: binary("ecg_add", *a),
    "MUL": lambda *a: binary("ecg_multiply", *a),
    "MAXIMUM": lambda *a: binary("ecg_maximum", *a),
    "LOGISTIC": lambda *a: sigmoid("ecg_sigmoid", *a),  # in 8 bits these are tables
    "TANH": lambda *a: sigmoid("ecg_tanh", *a),
    "SOFTMAX": softmax,
    "L2_NORMALIZATION": normalise,
    "BATCH_MATMUL": matrix_product,
    "TRANSPOSE": transpose,
    "REVERSE_V2": reverse,
    "STRIDED_SLICE": strided_slice,
    "PAD": pad,
    "PADV2": pad,
    "CONCATENATION": concatenation,
}
VIEWS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
# Functions of one value become tables; so do those of two where both come from one value, or one is a constant.
UNARY = {"LOGISTIC", "TANH", "ABS", "NEG", "RELU", "RELU6", "RSQRT", "SQRT", "EXP", "HARD_SWISH", "LEAKY_RELU",
         "QUANTIZE", "SQUARE", "ELU"}  # fmt: skip
BINARY = {"ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "PRELU"}
