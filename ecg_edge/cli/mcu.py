"""ecg-edge mcu: the memory that an exported file takes on a microcontroller."""

from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.sensor_options import sensor_options
from ecg_edge.memory_tables import print_plan


@click.command()
@click.argument("file", metavar="FILE.tflite", type=click.Path(path_type=Path))
@click.option("--board", metavar="NAME", help="One board, such as nRF52840 or STM32H743. Without it: all.")
@click.option("--firmware", type=click.Path(path_type=Path), metavar="DIR", help="Firmware that times it on --board.")
@click.option("--hop", type=float, metavar="S", help="With a sensor: time between answers, as in export --c99.")
@click.option("--battery", type=float, default=200.0, show_default=True, metavar="MAH", help="Charge of a battery.")
@sensor_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def command(file, board, firmware, hop, battery, as_json, sensor):
    """Report the memory that an exported file takes on a microcontroller.

    TensorFlow Lite Micro, where it is installed, runs here and reports its tensor arena; flash holds the file.
    The C99 program that export --c99 would generate is planned and, where the Arm toolchain is installed, linked for
    each board and run in QEMU, which counts instructions. Where ethos-u-vela is installed, it estimates two Ethos-U.
    With --counts-per-unit the whole path from a sensor to labels is measured as well.

    \b
    Examples:
      ecg-edge mcu RUN/export/cnn_att_bilstm-int8.tflite
      ecg-edge mcu model.tflite --board nRF52840
      ecg-edge mcu model.tflite --board nRF52840 --firmware firmware
      ecg-edge mcu model.tflite --json
    """
    from ecg_edge.api import microcontroller

    if firmware:
        made = microcontroller.write_firmware(file, board, firmware)
        console.log(f"{firmware}: model, application, memory of {made.board}, Makefile; not tried on hardware")
        console.log_kept(firmware, made.kept)
        console.log(f"next: make -C {firmware}")
        return
    report = microcontroller.plan_microcontroller(file, board, sensor, hop, battery)
    if as_json:
        console.print_json(report)
    else:
        print_plan(report)
    console.log(f"next: ecg-edge predict {file} RECORD")
