"""Two programs in one folder: a beat classifier, and the model that takes the features of its beats."""

import dataclasses
import re

import numpy as np

from export.c99.c_text import LICENCE, array, comment, with_prefix
from export.c99.emit_header import EXTERN_C_BEGIN, EXTERN_C_END
from export.c99.lower import lower
from export.c99.read_graph import read_graph
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.quantisation import dequantise, quantise
from firmware_bench.runtime.reference_vector import make_reference_inputs
from firmware_bench.runtime.tflite_model import TFLiteModel

FEATURES = "features"  # the model's input that takes them: (beats, features)
FUSED = "fused"  # the classifier's output that gives them
TESTED_BEATS = 4
REPLAY = [
    "    n = $replay(&app, &answer);",
    "    if (n < 0) {",
    '        printf("%d answers of the replay are right\\n", REPLAY_ANSWERS);',
    "    } else {",
    '        printf("answer %d of the replay differs: kind %lu, sample %lu, classes %lx, quality %lx\\n", n,',
    "               (unsigned long)answer.kind, (unsigned long)answer.sample, (unsigned long)answer.classes,",
    "               (unsigned long)answer.quality);",
    "        differing++;",
    "    }",
]


@dataclasses.dataclass(frozen=True)
class _Side:
    """One of the two programs: its file with LiteRT's reference kernels, its prefix, and its tensors' names in C."""

    model: TFLiteModel
    prefix: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def tensor(self, name):
        for tensor in (*self.model.inputs, *self.model.outputs):
            if tensor.name == name:
                return tensor
        raise InputError(f"{self.prefix} has no {name}: name the two files of one export")

    def make_inputs(self):
        return make_reference_inputs(self.model.metadata)


def emit_pair(data: bytes, beats: bytes, prefix: str, beats_prefix: str, replays: bool = False) -> dict[str, str]:
    """Return the files that join two programs.

    Args:
        data: The file of the model that takes features.
        beats: The file of the beat classifier.
        prefix: What the names of the model's program begin with.
        beats_prefix: What those of the classifier's program begin with.
        replays: Whether test_replay.h tests the path around both.

    Returns:
        {file name: text}: PREFIX_pair.h and PREFIX_pair.c, which turn a beat's features into a row of the model's
        input, and test_pair.c with a test through both programs.

    Raises:
        InputError: The files are no pair, or their values are not of 8 bits.
    """
    model, classifier = _side(data, prefix), _side(beats, beats_prefix)
    given, taken = classifier.tensor(FUSED), model.tensor(FEATURES)
    if given.dtype != "int8" or taken.dtype != "int8" or given.shape[-1] != taken.shape[-1]:
        raise InputError(f"features {given.dtype} {given.shape} do not go into {taken.dtype} {taken.shape} in C")
    table = quantise(
        dequantise(np.arange(-128, 128, dtype=np.int8), given.scale, given.zero_point),
        taken.scale,
        taken.zero_point,
        "int8",
    )
    macro = f"{prefix}_pair".upper()
    header = [
        LICENCE,
        f"#ifndef {macro}_H",
        f"#define {macro}_H",
        "",
        f'#include "{beats_prefix}.h"',
        f'#include "{prefix}.h"',
        "",
        f"#define {macro}_BEATS {taken.shape[1]} /* rows of the input features */",
        f"#define {macro}_FEATURES {taken.shape[2]} /* values of a row */",
        "",
        *EXTERN_C_BEGIN,
        "",
        *comment(
            f"Make a row of the input features of {prefix}_run of the output fused of {beats_prefix}_run, "
            f"{macro}_FEATURES values each: the two files have different scales. Rows behind the last beat hold the "
            "zero point of the input."
        ),
        f"void {prefix}_pair_row(const int8_t *fused, int8_t *row);",
        "",
        *EXTERN_C_END,
        "",
        "#endif",
        "",
    ]
    source = [
        LICENCE,
        f'#include "{prefix}_pair.h"',
        "",
        "/* The row's value by the fused value, from -128 on. */",
        array("int8_t", "requantised", table),
        "",
        f"void {prefix}_pair_row(const int8_t *fused, int8_t *row)",
        "{",
        "    int n;",
        "",
        f"    for (n = 0; n < {macro}_FEATURES; n++) {{",
        "        row[n] = $requantised[fused[n] + 128];",
        "    }",
        "}",
        "",
    ]
    texts = {
        f"{prefix}_pair.h": header,
        f"{prefix}_pair.c": source,
        "test_pair.c": _emit_test(model, classifier, table, replays),
    }
    return {name: with_prefix("\n".join(lines), prefix) for name, lines in texts.items()}


def _side(data: bytes, prefix: str) -> _Side:
    program = lower(read_graph(data))
    return _Side(TFLiteModel(data, kernels="reference"), prefix, program.input_names, program.output_names)


def _emit_test(model: _Side, classifier: _Side, table: np.ndarray, replays: bool) -> list[str]:
    """The text of test_pair.c: some beats, then a window of them and of padding."""
    vectors = classifier.make_inputs()
    beats = [vectors[n % len(vectors)] for n in range(TESTED_BEATS)]
    answers = [dict(zip(classifier.outputs, classifier.model.run_raw(beat), strict=True)) for beat in beats]
    (window, *_), names = model.make_inputs(), [tensor.name for tensor in model.model.inputs]
    features = np.full(window[names.index(FEATURES)].shape, model.tensor(FEATURES).zero_point, np.int8)
    for row, answer in enumerate(answers):
        features[0, row] = table[answer[FUSED][0].astype(int) + 128]
    window[names.index(FEATURES)] = features
    expected = model.model.run_raw(window)

    macro, first, second = f"{model.prefix}_pair".upper(), classifier.prefix, model.prefix
    lines = [
        LICENCE,
        "/* A test through both programs: what LiteRT's reference kernels compute of the two files. */",
        f'#include "{second}_pair.h"',
        "",
        "#include <stdio.h>",
        "#include <string.h>",
        "",
        *(['#include "test_replay.h"', ""] if replays else []),
        f"#define TESTED_BEATS {TESTED_BEATS}",
        "",
    ]
    for number, name in enumerate(classifier.inputs):
        lines += _table(f"beat_{name}", [beat[number] for beat in beats])
    for name in classifier.outputs:
        lines += _table(f"expected_{name}", [answer[name] for answer in answers])
    for name, values in zip(model.inputs, window, strict=True):
        if name != FEATURES:
            lines += _table(f"window_{name}", [values])
    for name, values in zip(model.outputs, expected, strict=True):
        lines += _table(f"answer_{name}", [values])
    sizes = {name: f"{first.upper()}_{name.upper()}_SIZE" for name in (*classifier.inputs, *classifier.outputs)}
    beat_arguments = [f"$beat_{name} + n * {sizes[name]}" for name in classifier.inputs]
    window_arguments = ["features" if name == FEATURES else f"$window_{name}" for name in model.inputs]
    lines += [
        f"static struct {first}_state beat_state;",
        f"static struct {second}_state state;",
        f"static int8_t features[{macro}_BEATS * {macro}_FEATURES];",
        *(f"static int8_t found_{name}[{sizes[name]}];" for name in classifier.outputs),
        *(["static struct $app app;", "static struct $answer answer;"] if replays else []),
        *(f"static int8_t said_{name}[{second.upper()}_{name.upper()}_SIZE];" for name in model.outputs),
        "",
        "int main(void)",
        "{",
        "    int n, differing = 0;",
        "",
        f"    memset(features, {second.upper()}_{FEATURES.upper()}_ZERO_POINT, sizeof features);",
        "    for (n = 0; n < TESTED_BEATS; n++) {",
        f"        {first}_run(&beat_state, {', '.join(beat_arguments)}, "
        f"{', '.join(f'found_{name}' for name in classifier.outputs)});",
        *(
            f"        differing += memcmp(found_{name}, $expected_{name} + n * {sizes[name]}, {sizes[name]}) != 0;"
            for name in classifier.outputs
        ),
        f"        {second}_pair_row(found_{FUSED}, features + n * {macro}_FEATURES);",
        "    }",
        f"    {second}_run(&state, {', '.join(window_arguments)}, "
        f"{', '.join(f'said_{name}' for name in model.outputs)});",
        *(f"    differing += memcmp(said_{name}, $answer_{name}, sizeof said_{name}) != 0;" for name in model.outputs),
        '    printf("both programs: %d of the outputs differ\\n", differing);',
        *(REPLAY if replays else []),
        "    return differing != 0;",
        "}",
        "",
    ]
    return lines


def _table(name: str, arrays) -> list[str]:
    return [array("int8_t", name, np.concatenate([values.ravel() for values in arrays])), ""]


def extend_makefile(makefile: str, prefix: str, sources: list[str]) -> str:
    """The Makefile of the model's program with the classifier's `sources`, and test_pair.c in its `make test`.

    Args:
        makefile: That of the model's program.
        prefix: What its names begin with.
        sources: The C files of the classifier's program without their endings that are not in the model's.
    """
    objects = " ".join(f"{source}.o" for source in sources)
    text = makefile.replace("test: check\n\t./check\n", "test: check check_pair\n\t./check\n\t./check_pair\n")
    rule = f"""PAIR = {objects} {prefix}_pair.o
BOTH = $(OBJECTS:%.o=%_plain.o) $(PAIR:%.o=%_plain.o)

check_pair: test_pair.c $(BOTH)
\t$(CC) $(CFLAGS) -o $@ $^

%_plain.o: %.c $(wildcard *.h)
\t$(CC) $(CFLAGS) -c -o $@ $<

"""
    text = text.replace("clean:\n\trm -f *.o check\n", f"{rule}clean:\n\trm -f *.o check check_pair\n")
    return re.sub(r"# make test: compares the model", "# make test: compares both models", text)
