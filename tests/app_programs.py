"""The path from counts of a sensor to answers, by the generated C program and by the path in Python."""

import subprocess

import numpy as np

from export.c99 import generate
from export.c99.continuous_model import ContinuousModel
from firmware_bench.front_end.device_path import DevicePath
from firmware_bench.front_end.sample_faults import QUALITY
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.tflite_model import TFLiteModel

FS = 100.0  # Hz, of the models
SENSOR = Sensor(250.0, (200.0, 150.0), (7, -20), -2048, 2047)
SANITIZED = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror -g -O1 -fsanitize=address,undefined"
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "small_app.h"
int main(void) {
    static struct small_app app;
    static struct small_answer answer;
    int16_t counts[SMALL_LEAD_COUNT];
    small_app_init(&app);
    while (fread(counts, sizeof counts, 1, stdin) == 1) {
        if (small_app_push(&app, counts) == 0) { return 1; }
        while (1) {
            int done = small_app_poll(&app, &answer);
            if (done == 0) { break; }
            if (done == 2) {
                printf("%u %u %u", answer.sample, answer.classes, answer.quality);
                for (unsigned i = 0; i < sizeof answer.outputs / sizeof answer.outputs[0]; ++i) {
                    printf(" %d", answer.outputs[i]);
                }
                PRINT_PROBABILITIES
                printf("\\n");
            }
        }
    }
    return 0;
}
"""


PROBABILITIES = """
for (unsigned i = 0; i < sizeof answer.probabilities / sizeof answer.probabilities[0]; ++i) {
    printf(" %u", answer.probabilities[i]);
}
"""


def counts_with_faults(samples, leads=2, seed=0):
    """Waves with an offset, and a gap, a saturation and a flat lead in some places."""
    random, time = np.random.default_rng(seed), np.arange(samples)
    counts = 300 * np.sin(time / 9)[:, None] ** 15 + random.normal(0, 20, (samples, leads)) + 400
    counts[samples // 5 : samples // 5 + 40, 0] = -32768
    counts[: samples // 50, 1] = -32768
    counts[samples // 2 : samples // 2 + 9] = 2047
    counts[2 * samples // 3 :, 1] = 111
    return counts.round().clip(-32768, 2047).astype(np.int16)


def run_program(data, sensor, counts, folder, flags=SANITIZED, hop_s=None, probabilities=PROBABILITIES):
    program = generate(data, folder / "program", "small", sensor=sensor, hop_s=hop_s)
    (program.folder / "main_app.c").write_text(MAIN.replace("PRINT_PROBABILITIES", probabilities))
    sources = [str(path) for path in program.folder.glob("*.c") if path.name != "test.c"]
    subprocess.run(["gcc", *flags.split(), "-o", str(folder / "app"), *sources], check=True)
    done = subprocess.run([str(folder / "app")], input=counts.tobytes(), capture_output=True, check=True)
    return [[int(word) for word in line.split()] for line in done.stdout.decode().splitlines()]


def run_path(data, sensor, counts, hop_s=None):
    """The answers of the path in Python as the program prints them, fed in blocks of random lengths."""
    network = ContinuousModel(data, hop_s, kernels="reference") if hop_s else None
    path, random = DevicePath(TFLiteModel(data, kernels="reference"), sensor, network), np.random.default_rng(3)
    rows, first = [], 0
    while first < len(counts):
        length = int(random.integers(1, 800))
        for answer in path.push(counts[first : first + length]):
            classes = sum(1 << path.decision.labels.index(label) for label in answer.labels)
            quality = sum(QUALITY[name] for name in answer.quality)
            rows.append([answer.sample, classes, quality, *answer.outputs.tolist(), *answer.probabilities.tolist()])
        first += length
    return rows
