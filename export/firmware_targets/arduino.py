"""An Arduino library. Arduino CLI, "Library specification"."""

from export.firmware_targets.library import FirmwareLibrary
from export.firmware_targets.sensor_example import DRIVERS, make_sensor_sketch


def make_arduino_library(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a folder for Arduino's libraries, with two example sketches."""
    name = library.prefix
    properties = {
        "name": name,
        "version": library.version,
        "author": "ecg-edge",
        "maintainer": "ecg-edge",
        "sentence": f"The network {library.title} from counts of a sensor to labels.",
        "paragraph": "Plain C99 without heap. Research use only, not a medical device.",
        "category": "Data Processing",
        "architectures": "*",
        "includes": f"{name}_app.h",
    }
    sketch = "examples/replay"
    return {
        "library.properties": "".join(f"{key}={value}\n" for key, value in properties.items()),
        **{f"src/{file}": text for file, text in library.sources.items()},
        **{f"{sketch}/{file}": text for file, text in library.replay.items()},
        f"{sketch}/replay.ino": make_sketch(name),
        **{f"examples/sensor/{file}": text for file, text in DRIVERS.items()},
        "examples/sensor/sensor.ino": make_sensor_sketch(name),
    }


def make_sketch(prefix: str) -> str:
    """Return a sketch that replays the record and prints to the serial monitor."""
    return f"""// SPDX-License-Identifier: Apache-2.0
#include <{prefix}_app.h>

#include "replay_example.h"

static void print_text(const char *text)
{{
    Serial.print(text);
}}

void setup()
{{
    Serial.begin(115200);
    while (!Serial) {{
    }}
    (void){prefix}_print_replay(print_text);
}}

void loop()
{{
}}
"""
