"""A PlatformIO library. PlatformIO documentation, "library.json"."""

import json

from export.firmware_targets.arduino import make_sketch
from export.firmware_targets.library import FirmwareLibrary


def make_platformio_library(library: FirmwareLibrary) -> dict[str, str]:
    """Return {path: text} of a library with an example project for the Arduino framework."""
    manifest = {
        "name": library.prefix,
        "version": library.version,
        "description": f"The network {library.title} from counts of a sensor to labels. Research use only.",
        "license": "Apache-2.0",
        "frameworks": "*",
        "platforms": "*",
        "headers": f"{library.prefix}_app.h",
        "build": {"srcDir": "src", "includeDir": "src"},
    }
    project = "examples/replay"
    ini = "[env:uno_r4_minima]\nplatform = renesas-ra\nboard = uno_r4_minima\nframework = arduino\n"
    return {
        "library.json": json.dumps(manifest, indent=2, ensure_ascii=True) + "\n",
        **{f"src/{file}": text for file, text in library.sources.items()},
        f"{project}/platformio.ini": f"{ini}lib_deps = symlink://../..\n",
        **{f"{project}/src/{file}": text for file, text in library.replay.items()},
        f"{project}/src/main.cpp": "#include <Arduino.h>\n" + make_sketch(library.prefix),
    }
