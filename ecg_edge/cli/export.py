"""ecg-edge export: from a trained run to an integer TensorFlow Lite file, if it passes its acceptance checks."""

from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.sensor_options import sensor_options
from export.targets import MCU, TARGETS
from firmware_bench.runtime.errors import InputError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--int8", is_flag=True, help="8-bit integers, and 16-bit activations where a layer needs them: the default."
)
@click.option(
    "--qat", is_flag=True, help="Fine-tune with fake quantisation first: minutes, and closer to the float model."
)
@click.option("--ptq", is_flag=True, help="Quantise the trained model by calibration alone: the default.")
@click.option(
    "--target",
    type=click.Choice([*TARGETS]),
    default=MCU.name,
    show_default=True,
    help=" ".join(f"{target.name}: {target.description}." for target in TARGETS.values()),
)
@click.option(
    "--streaming", is_flag=True, help="One step with its states as inputs and outputs, in 16 bits, for a live signal."
)
@click.option("--c99", is_flag=True, help="A folder of plain C99 from the run's integer file, or from a .tflite file.")
@click.option("--prefix", metavar="NAME", help="With --c99: what its C names begin with. Default: the architecture.")
@click.option("--hop", type=float, metavar="S", help="With --c99: time between answers, 0 for a window. Default: 1 s.")
@click.option("--features", is_flag=True, help="A beat classifier's features as an output beside the probabilities.")
@sensor_options
@click.option("--explain", is_flag=True, help="Print the error of every layer, worst first.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: RUN/export/ARCH-int8….tflite.")
@click.option("--keep-failing", type=click.Path(path_type=Path), metavar="FILE", help="Keep a file that fails as this.")
def command(run, int8, qat, ptq, target, streaming, c99, prefix, hop, features, explain, out, keep_failing, sensor):
    """Turn a trained RUN into an integer TensorFlow Lite file.

    The file is written only if it passes every acceptance check: integers throughout, operators of TensorFlow Lite
    Micro, equal outputs there and in LiteRT, agreement with the Keras model on windows that did not calibrate it.
    Otherwise the exit status is 1.

    \b
    Examples:
      ecg-edge export runs/cnn_att_bilstm-cinc2017-20260101-120000
      ecg-edge export runs/demo --qat --out model.tflite
      ecg-edge export runs/demo --target rpi
      ecg-edge export runs/mamba --streaming
      ecg-edge export runs/demo --c99 --out firmware/model
      ecg-edge export runs/demo --c99 --sensor-rate 360 --counts-per-unit 200
    """
    if c99:
        return write_program(run, out, prefix, sensor, hop)
    if qat and ptq:
        raise InputError("--qat and --ptq are two ways to quantise: choose one")
    from ecg_edge.api.run_export import ExportRejected, export
    from ecg_edge.export_tables import print_report

    try:
        with console.reporting() as reporter:
            report = export(run, qat, target, streaming, out, keep_failing, features, reporter)
    except ExportRejected as error:
        print_report(error.report, explain)
        raise
    print_report(report, explain)
    console.log(f"{report.path}: {report.size:,} bytes ({report.size / 1e6:.2f} MB)")
    console.log(f"next: ecg-edge bench {report.path}")


def write_program(source: Path, out: Path | None, prefix: str | None, sensor, hop: float | None) -> None:
    """Write a C99 program and print its static RAM."""
    from ecg_edge.api.c99_generation import generate_c99

    program = generate_c99(source, out, prefix, sensor, hop)
    rows = [[part, f"{size:,}", "planned"] for part, size in program.static_ram.items()]
    console.table(f"static RAM of {program.folder.name}", ["part", "bytes", "label"], rows)
    console.log(f"{program.folder}: {program.prefix}.c, {program.prefix}.h, the kernels that they call, and a test")
    console.log_kept(program.folder, program.kept)
    if program.missing:
        console.log(f"no path from a sensor to labels, the network alone: {program.missing}")
    else:
        console.log(f"{program.prefix}_app.h: from counts of the sensor to labels")
    console.log(f"next: make -C {program.folder} test")
