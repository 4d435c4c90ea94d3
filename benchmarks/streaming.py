"""One selective state space as a step in 16-bit integers: agreement with its float form along a stream, and its arena.

    python benchmarks/streaming.py [--width 64] [--states 16]

The weights are those before training, the input is noise that is low-passed as a network's features are.
"""

import argparse
import dataclasses

import keras
import numpy as np

from export.convert import int16
from export.convert.streaming_step import build_step
from export.tflite import flatbuffer
from export.tflite.signature import describe_tensors
from export.verify.sqnr import sqnr_db
from firmware_bench.mcu import tflm
from firmware_bench.runtime.streaming_model import StreamingModel
from firmware_bench.runtime.tflite_model import TFLiteModel
from models_keras.layers.selective_ssm import SelectiveSSM

STEPS = 250


def features(random, count, width):
    """(count, STEPS, width): noise over five steps, of variance one."""
    noise = random.normal(size=(count, STEPS + 4, width))
    return (sum(noise[:, n : n + STEPS] for n in range(5)) / 5**0.5).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--states", type=int, default=16)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = keras.Input((STEPS, arguments.width), name="x")
    model = keras.Model(x, SelectiveSSM(arguments.states, max(1, arguments.width // 16))(x))
    made = build_step(model, integer=True)
    graph = int16.convert_calibrated_float(made.model)
    seen = int16.observe_stream(int16.FloatGraph(graph, made.metadata()), features(random, 40, arguments.width))
    data = int16.quantise(graph, made.states, seen)

    others = features(random, 10, arguments.width)
    expected = model.predict(others, verbose=0)
    inputs, outputs = describe_tensors(data)
    metadata = dataclasses.replace(made.metadata(), inputs=inputs, outputs=outputs)
    stream = StreamingModel(TFLiteModel(flatbuffer.set_metadata(data, metadata)))
    found = np.stack([stream.run(window) for window in others])
    late = slice(-STEPS // 5, None)
    print(f"{arguments.width} channels of {arguments.states} states, file of {len(data):,} bytes")
    print(f"agreement with Keras over {STEPS} steps: {sqnr_db(expected, found):.1f} dB (measured)")
    print(f"of which the last {STEPS // 5}: {sqnr_db(expected[:, late], found[:, late]):.1f} dB (measured)")
    print(f"arena: {tflm.measure_arena(data).total:,} bytes ({tflm.Arena.label})")


if __name__ == "__main__":
    main()
