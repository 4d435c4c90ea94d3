"""ecg-edge live: labels of a signal while it arrives."""

import contextlib
from pathlib import Path

import click

from ecg_edge.cli.sensor_options import sensor_options
from ecg_edge.cli.signal_options import signal_options
from firmware_bench.runtime.errors import InputError


@click.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("stream", metavar="[-]", required=False, type=click.Choice(["-"]))
@click.option("--replay", metavar="RECORD", help="Play back a recording, with its own rate and gain.")
@click.option("--speed", default="1", show_default=True, metavar="N|max", help="Of --replay: times real time.")
@click.option("--serial", "port", metavar="PORT", help="Read counts from a serial port, such as /dev/ttyUSB0.")
@click.option("--baud", default=115_200, show_default=True, help="Of --serial, bit/s.")
@click.option("--format", "form", type=click.Choice(["int16", "csv", "text"]), default="csv", show_default=True,
              help="int16: little-endian; csv, text: a line per sample, commas or blanks between leads.")  # fmt: skip
@click.option("--hop", type=float, metavar="S", help="Time between answers, 0 for a window. Default: as the C program.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each answer, in a line.")
@click.option("--events", type=click.Path(path_type=Path), metavar="FILE.csv", help="Append every episode to a CSV.")
@click.option("--view", is_flag=True, help="Show signal and labels on a page in the browser instead.")
@sensor_options
@signal_options
def command(model, stream, replay, speed, port, baud, form, hop, as_json, events, view, sensor, stated):
    """Label a signal while it arrives, as a device would: from standard input (-), a serial port or a recording.

    The MODEL is an exported integer file with causal preprocessing (train --set signal.mode=causal). The counts go
    through the integers of the generated C program. A label comes with what was wrong with the signal: missing,
    saturated, flat, warm-up. Of a stream, --leads names the leads where they are not those of the model in its order.

    \b
    Examples:
      ecg-edge live model.tflite --replay data/mitdb/100 --rename-lead MLII=II --speed max --json
      ecg-edge live model.tflite --serial /dev/ttyUSB0 --counts-per-unit 200 --adc-range 0,4095 --baseline 2048
      my_sensor | ecg-edge live model.tflite - --format int16 --sensor-rate 500 --counts-per-unit 200 --events log.csv
    """
    from ecg_edge.api.count_stream import CountStream, open_serial, read_standard_input
    from ecg_edge.api.episode_file import EpisodeFile
    from ecg_edge.api.live_signal import watch
    from ecg_edge.api.replay import Replay
    from ecg_edge.live_display import LiveDisplay
    from ecg_edge.view.viewing import view_live

    if view and (as_json or events):
        raise InputError("--view shows what --json and --events write: leave them out")
    if [replay, port, stream].count(None) != 2:
        raise InputError("name one signal: --replay RECORD, --serial PORT, or - for standard input")
    if replay and sensor:
        raise InputError("a recording states its own rate and gain: leave --sensor-rate and --counts-per-unit out")
    if not replay and not sensor:
        raise InputError("state the sensor: --counts-per-unit, such as 200 for 200 counts in 1 mV, and --sensor-rate")
    if not replay and (stated["fs"] or stated["units"] or stated["rename_leads"]):
        raise InputError("--fs, --units and --rename-lead are of --replay: --sensor-rate and --leads describe a sensor")
    with LiveDisplay(as_json) as display, contextlib.ExitStack() as opened:
        if replay:
            source = Replay(replay, speed, **stated)
        else:
            chunks = open_serial(port, baud, display) if port else read_standard_input()
            source = CountStream(chunks, sensor, form, stated["leads"].replace(",", " ").split())
        if view:
            return view_live(model, source, hop, reporter=display)
        answers = watch(model, source, display, hop)
        episodes = opened.enter_context(EpisodeFile(events)) if events else None
        for answer in answers:
            if episodes:
                episodes.add(answer)
            display.show(answer)
