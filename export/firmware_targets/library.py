"""What every target takes: the sources of the path from counts to labels, and the example that replays a record."""

import dataclasses

from export.c99.c_text import LICENCE, with_prefix
from export.c99.generator import generate_files
from firmware_bench.front_end.sensor import Sensor
from firmware_bench.runtime.errors import make_printable

NOT_FIRMWARE = (
    *("test.c", "test_pair.c", "test_signal.h", "test_trace.h", "test_vector.h", "test_replay.h"),
    *("Makefile", "README.md"),
)


@dataclasses.dataclass(frozen=True)
class FirmwareLibrary:
    """A library.

    Attributes:
        prefix: What every name of the model begins with; the library's name as well.
        title: The model's name, in one line and printable.
        version: Of ecg-edge, three numbers.
        sources: {file name: C text} to compile into firmware.
        replay: {file name: C text}: a record, its answers, and `PREFIX_print_replay`, which compares them.
    """

    prefix: str
    title: str
    version: str
    sources: dict[str, str]
    replay: dict[str, str]


def make_library(
    data: bytes,
    title: str,
    version: str,
    sensor: Sensor,
    prefix: str | None = None,
    hop_s: float | None = None,
    beats: bytes | None = None,
) -> FirmwareLibrary:
    """Generate the library of an integer .tflite file.

    Args:
        data: The file.
        title: The model's name: any text.
        version: Three numbers.
        sensor: What samples the signal.
        prefix: What every name begins with; None: the name of the architecture.
        hop_s: Time from answer to answer, s; None: a window, or the step of a stream.
        beats: The file of the beat classifier whose features the model takes.

    Returns:
        The library.

    Raises:
        InputError: There is no C99 program of the file, or no path from a sensor's counts to it.
    """
    program = generate_files(data, prefix, title, sensor, hop_s, beats)
    sources = {name: text for name, text in program.texts.items() if name not in NOT_FIRMWARE}
    example = with_prefix(f"{LICENCE}\n{REPLAY_EXAMPLE}".replace("PREFIX", program.prefix), program.prefix)
    replay = {"test_replay.h": program.texts["test_replay.h"], "replay_example.h": example}
    words = " ".join(make_printable(title).split())[:100] or program.prefix
    return FirmwareLibrary(program.prefix, words, version, sources, replay)


REPLAY_EXAMPLE = """/* Replays the record of test_replay.h and prints whether every answer is right. */
#ifndef PREFIX_REPLAY_EXAMPLE_H
#define PREFIX_REPLAY_EXAMPLE_H

#include "test_replay.h"

/* print: prints a text that ends with 0. Returns 0 where every answer is right, otherwise 1. */
static int $print_replay(void (*print)(const char *text))
{
    static struct $app app;
    static struct $answer answer;
    const int32_t wrong = $replay(&app, &answer);
    uint32_t number = (wrong < 0) ? (uint32_t)REPLAY_ANSWERS : (uint32_t)wrong;
    char digits[11];
    uint32_t first = (uint32_t)sizeof digits - 1u;
    digits[first] = '\\0';
    do {
        first--;
        digits[first] = (char)('0' + (int)(number % 10u));
        number /= 10u;
    } while (number != 0u);
    print((wrong < 0) ? "replay: all answers are right: " : "replay: this answer is wrong: ");
    print(&digits[first]);
    print("\\n");
    return (wrong < 0) ? 0 : 1;
}

#endif
"""
