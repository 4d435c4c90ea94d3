"""What the selective state space costs as the recording grows from one second to a minute.

    python benchmarks/selective_ssm.py [BATCH]

One layer of ecg_mamba at paper size, 25 steps a second: milliseconds of a training step and of a prediction, for the
scan and for the parallel form, and the exponent of length that fits them. KERAS_BACKEND=jax measures JAX.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from models_keras.layers.selective_ssm import SelectiveSSM

SECONDS = (1, 2, 5, 10, 30, 60)
STEPS_PER_SECOND, WIDTH, STATES, RANK = 25, 128, 16, 8
FORMS = ("scan", "parallel")
ROUNDS = 5


def layer(form, steps):
    """A model of the layer alone, to be trained towards its input."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((steps, WIDTH)), SelectiveSSM(STATES, RANK, form=form)])
    model.compile(keras.optimizers.SGD(1e-3), loss="mse")
    return model


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(batch, seconds):
    """Seconds of a training step and of a prediction of each form, the quickest of ROUNDS in turn."""
    steps = seconds * STEPS_PER_SECOND
    x = np.random.default_rng(0).standard_normal((batch, steps, WIDTH), np.float32)
    works = [
        work
        for model in [layer(form, steps) for form in FORMS]
        for work in (lambda model=model: model.train_on_batch(x, x), lambda model=model: model.predict_on_batch(x))
    ]
    for work in works:
        work()
    return np.min([[timed(work) for work in works] for _ in range(ROUNDS)], axis=0)


def row(label, values, digits):
    print(f"{label:22}" + "".join(f"{value:22.{digits}f}" for value in values), flush=True)


def main():
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    print(f"measured, ms, batch {batch}, {WIDTH} channels of {STATES} states, keras {keras.__version__}", end=" ")
    print(f"on {keras.backend.backend()}")
    print(" " * 22 + "".join(f"{form + ', ' + kind:>22}" for form in FORMS for kind in ("training", "prediction")))
    times = []
    for seconds in SECONDS:
        times.append(measure(batch, seconds))
        row(f"{seconds} s of ECG", times[-1] * 1e3, digits=1)
    for label, first in (("exponent", 0), ("exponent from 10 s on", SECONDS.index(10))):
        row(label, np.polyfit(np.log(SECONDS[first:]), np.log(times[first:]), 1)[0], digits=2)


if __name__ == "__main__":
    main()
