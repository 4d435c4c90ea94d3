"""The kinds of devices that a file is made for. A new one is a row of TARGETS."""

import dataclasses

from firmware_bench.runtime.errors import unknown_name


@dataclasses.dataclass(frozen=True)
class Target:
    """A kind of device.

    Attributes:
        name: As on the command line.
        description: One line of help.
        file_suffix: What a file's default name ends in.
        integers_only: Whether every tensor has to be an integer.
        float_operators: Operators that the device computes faster in float.
    """

    name: str
    description: str
    file_suffix: str = ""
    integers_only: bool = True
    float_operators: frozenset[str] = frozenset()


MCU = Target("mcu", "integers throughout")
RPI = Target(
    "rpi",
    "float for what a Raspberry Pi computes faster so, LSTMs first of all",
    file_suffix="-rpi",
    integers_only=False,
    # Measured with LiteRT, one thread, on x86-64 (benchmarks/rpi_form.py). Convolutions run 4 times faster in integers
    # than in float. An integer LSTM runs 3.6 times slower, one with 8-bit weights alone 1.6 times faster. Products of
    # two activations run 10 times slower in integers, normalisations 3 times, softmax twice: the XNNPACK delegate has
    # no integer kernels for them.
    float_operators=frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "BATCH_MATMUL", "L2_NORMALIZATION", "SOFTMAX"}),
)
TARGETS = {target.name: target for target in (MCU, RPI)}


def find_target(name: str) -> Target:
    """The target called `name`.

    Raises:
        InputError: There is none.
    """
    if name not in TARGETS:
        raise unknown_name("target", name, TARGETS)
    return TARGETS[name]
