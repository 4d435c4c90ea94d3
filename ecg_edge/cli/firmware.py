"""ecg-edge firmware: a library from an integer file for a build system."""

from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.sensor_options import sensor_options


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--target", required=True, help="arduino, platformio, esp-idf, zephyr, cmake, stm32-bare, rp2040, cmsis-pack."
)
@click.option("--prefix", metavar="NAME", help="Name of the library. Default: the architecture.")
@click.option("--hop", type=float, metavar="S", help="Time between answers, 0 for a window. Default: 1 s.")
@sensor_options
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Default: FILE-TARGET beside the file.")
def command(model, target, prefix, hop, sensor, out):
    """Write a library of a .tflite file or a run, from counts of a sensor to labels.

    An example replays a record and checks the answers. The network alone, timed: ecg-edge mcu --firmware.

    \b
    Examples:
      ecg-edge firmware runs/demo --target arduino --sensor-rate 360 --counts-per-unit 200
    """
    from ecg_edge.api.firmware_library import write_firmware_library

    made = write_firmware_library(model, target, sensor, out, prefix, hop)
    console.log(f"{made.folder}: library {made.prefix} with an example; {made.tested}; not tried on hardware")
    console.log_kept(made.folder, made.kept)
