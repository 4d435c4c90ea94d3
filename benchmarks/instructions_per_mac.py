"""Instructions per multiply-accumulate of generated C99 programs on a Cortex-M4, with and without the DSP instructions.

    python benchmarks/instructions_per_mac.py             # the three below
    python benchmarks/instructions_per_mac.py FILE…

Counted in QEMU. Without files: a small CNN of 0.6 million multiplications (in networks of this kind CMSIS-NN takes 2.4
and TensorFlow Lite Micro's reference kernels 8.4 million instructions), and cnn_att_bilstm, untrained, for ten seconds
and for a minute of twelve leads. Multiplications are those of weights with values, by the file; a model's sums, tables
and copies count as instructions alone.
"""

import tempfile
from pathlib import Path

import click
import numpy as np
from benchmark_result import report, result_option, run

CORE = "cortex-m4"


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@result_option
def main(files, result):
    rows = [measure(name, data) for name, data in (read(files) if files else untrained())]
    title = "Instructions per multiply-accumulate of generated programs"
    report(
        result, title, "emulated", "Cortex-M4 in QEMU, untrained weights" if not files else "Cortex-M4 in QEMU", rows
    )


def read(files):
    """Yield (name, integer file) of given files."""
    for file in files:
        yield file.stem, file.read_bytes()


def untrained():
    """Yield (name, integer file) of untrained models."""
    from untrained_models import build, integer_file

    yield "small CNN", small_cnn()
    for preset in ("edge", "paper"):
        yield f"cnn_att_bilstm, {preset}, 12 leads", integer_file(build("cnn_att_bilstm", preset))


def measure(name: str, data: bytes) -> dict:
    """Count multiplications of an integer file, and instructions of its program with and without DSP, in millions."""
    from export.c99 import generate
    from export.c99.ops import count_multiplications
    from export.c99.read_graph import read_graph
    from firmware_bench.mcu import qemu

    instructions = {}
    with tempfile.TemporaryDirectory() as folder:
        generate(data, Path(folder, "program"))
        for portable in (False, True):
            with qemu.CortexProgram(Path(folder, "program"), CORE, portable) as program:
                instructions[portable] = program.measure().instructions
    count = count_multiplications(read_graph(data).operators)
    return {
        "model": name,
        "macs_millions": round(count / 1e6, 2),
        "instructions_dsp_millions": round(instructions[False] / 1e6, 2),
        "per_mac_dsp": round(instructions[False] / count, 2),
        "instructions_millions": round(instructions[True] / 1e6, 2),
        "per_mac": round(instructions[True] / count, 2),
    }


def small_cnn() -> bytes:
    """Return an integer file of three convolutions over 300 samples of two leads, untrained."""
    from untrained_models import integer_file

    from ecg_edge.keras_backend import import_keras

    import_keras()
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    x = ecg = keras.Input((300, 2), name="ecg")
    for filters in (16, 16, 32):
        x = layers.MaxPooling1D(2)(layers.Conv1D(filters, 7, padding="same", activation="relu")(x))
    x = layers.Dense(4, activation="softmax", name="probabilities")(layers.GlobalAveragePooling1D()(x))
    noise = {"ecg": np.random.default_rng(0).normal(size=(4, 300, 2)).astype(np.float32)}
    return integer_file(keras.Model(ecg, x), noise)


if __name__ == "__main__":
    run(main)
