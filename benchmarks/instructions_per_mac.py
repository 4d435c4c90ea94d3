"""Instructions per multiplication of generated C99 programs on a Cortex-M4, with and without the DSP instructions.

    python benchmarks/instructions_per_mac.py             # the three below
    python benchmarks/instructions_per_mac.py FILE…

Measured in QEMU. Without files: a small CNN of 0.6 million multiplications (what CMSIS-NN takes 2.4 and TensorFlow Lite
Micro's own kernels 8.4 million instructions for, in its kind), and cnn_att_bilstm, untrained, for ten seconds and for a
minute of twelve leads. Multiplications are those of weights with values, by the file; the sums, tables and copies of a
model count as instructions alone.
"""

import tempfile
from pathlib import Path

import click
import numpy as np

CORE = "cortex-m4"


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(files):
    print("| model | multiplications | instructions, with DSP | each | without | each |")
    print("|---|---|---|---|---|---|")
    for name, data in models(files):
        count, with_dsp, portable = counted(data)
        figures = [f"{n / 1e6:,.2f} M | {n / count:.2f}" for n in (with_dsp, portable)]
        print(f"| {name} | {count / 1e6:,.2f} M | {' | '.join(figures)} |", flush=True)


def models(files):
    """(name, integer file)"""
    from microcontrollers import untrained

    if files:
        yield from ((file.stem, file.read_bytes()) for file in files)
        return
    yield "small CNN", small_cnn()
    for preset in ("edge", "paper"):
        yield f"cnn_att_bilstm, {preset}, 12 leads", untrained("cnn_att_bilstm", preset)


def counted(data) -> tuple[int, int, int]:
    """Multiplications of an integer file, and instructions with and without DSP."""
    from export.c99 import generate
    from export.c99.ops import count_multiplications
    from export.c99.read_graph import read_graph
    from firmware_bench.mcu import qemu

    found = []
    with tempfile.TemporaryDirectory() as folder:
        generate(data, Path(folder, "program"))
        for portable in (False, True):
            with qemu.CortexProgram(Path(folder, "program"), CORE, portable) as program:
                found.append(program.measure().instructions)
    return count_multiplications(read_graph(data).operators), *found


def small_cnn() -> bytes:
    """Three convolutions over 300 samples of two leads, trained on nothing."""
    import keras
    from keras import layers

    from export.convert.conversion_job import ExportWindows
    from export.convert.strategies import convert

    keras.utils.set_random_seed(0)
    x = ecg = keras.Input((300, 2), name="ecg")
    for filters in (16, 16, 32):
        x = layers.MaxPooling1D(2)(layers.Conv1D(filters, 7, padding="same", activation="relu")(x))
    x = layers.Dense(4, activation="softmax", name="probabilities")(layers.GlobalAveragePooling1D()(x))
    noise = {"ecg": np.random.default_rng(0).normal(size=(4, 300, 2))}
    return convert(keras.Model(ecg, x), ExportWindows(noise, noise)).data


if __name__ == "__main__":
    main()
