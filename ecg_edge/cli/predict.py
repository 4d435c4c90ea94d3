"""ecg-edge predict: labels and probabilities for recordings, by an exported file or a run."""

from pathlib import Path

import click

from ecg_edge import console
from ecg_edge.cli.signal_options import signal_options
from firmware_bench.runtime.errors import InputError


@click.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("records", metavar="RECORD...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values instead of a table.")
@click.option("--windows", is_flag=True, help="Also what each window says; not with --csv.")
@click.option("--tta", type=click.IntRange(1), default=1, metavar="N", help="Mean of N windows, shifted, for each one.")
@click.option("--unsure-below", type=float, metavar="P", help='Show "unsure" where no probability reaches P.')
@click.option("--force", is_flag=True, help="Predict also what the model cannot judge, and mark it.")
@click.option("--embedder", metavar="RUN|FILE", help="The beat classifier whose features the model takes.")
@click.option("--device", is_flag=True, help="What a device would say: of a beat classifier with its rhythm model.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE|DIR", help="Also draw the ECG: a .png, .svg or "
              ".pdf, or a folder for those of several records.")  # fmt: skip
@click.option(
    "--explain", metavar="METHOD", help="With --plot, why: gradients, saliency, occlusion, attention, memory."
)
@signal_options
def command(
    model, records, as_json, as_csv, windows, tta, unsure_below, force, embedder, device, plot, explain, stated
):
    """Label recordings with a model: a name of the zoo, an exported .tflite file or a run.

    A RECORD is a file, or its path without suffix: WFDB, EDF, SCP-ECG, DICOM, CSV and others. Leads by name,
    resampling, filters and windows are those that the model was trained with. A record that cannot be read is named;
    the others are predicted all the same, and the exit status is 2. So is one that the model cannot judge: without
    signal, in another unit, of amplitudes that no ECG has, or far too short. With --json an anomaly detector also
    reports where: the error of each lead, in steps of 0.1 s.

    \b
    Examples:
      ecg-edge predict af-single-lead-small data/cinc2017/A00001
      ecg-edge predict model.tflite recordings/*.hea --csv > labels.csv
      ecg-edge predict model.tflite A00001 A00002 --json
      ecg-edge predict af-single-lead-small A00001 --plot A00001.png --explain occlusion
      ecg-edge predict model.tflite holter.csv --fs 250 --units uV --leads I
      ecg-edge predict runs/vae_bilstm_mha-ptbxl-20260101-120000 00009_hr --json
    """
    from ecg_edge import prediction_table
    from ecg_edge.api.device_prediction import predict_records_on_device
    from ecg_edge.api.prediction import load
    from ecg_edge.plot import prediction_plots

    if device:
        if as_csv or windows or force or embedder or tta > 1 or unsure_below is not None or plot or explain:
            raise InputError("--device goes with --json and what states a recording, not with other options")
        with console.reporting() as reporter:
            found, failed = predict_records_on_device(model, records, reporter, **stated)
        if as_json:
            console.print_json({"model": str(model), "records": found, "errors": [each.to_dict() for each in failed]})
        elif found:
            console.table(*prediction_table.make_episode_table(found))
        return console.refuse_failures([each.error for each in failed], len(records))
    if as_csv and (as_json or windows):
        raise InputError("--csv has one row for a recording: leave --json and --windows out")
    loaded = load(model, embedder)
    prediction_plots.check_request(loaded, plot, explain, len(records))
    made = loaded.predict_each(records, localise=as_json or plot is not None, force=force, tta=tta,
                               unsure_below=unsure_below, **stated)  # fmt: skip
    with console.reporting() as reporter:
        results = list(reporter.track("predicting", made, len(records)))
    errors = [result.error for result in results if isinstance(result, prediction_table.FailedPrediction)]
    if as_json:
        console.print_json(prediction_table.make_json(str(model), results, loaded.labels, windows))
    elif as_csv:
        console.print_csv(prediction_table.make_csv(results, loaded.labels))
    elif len(errors) < len(results):
        title = f"{loaded.metadata.architecture}, {model.name}"
        console.table(title, *prediction_table.make_table(results, console.find_width(), console.find_ellipsis()))
        if windows:
            console.table("Windows", *prediction_table.make_window_rows(results))
    if plot:
        with console.reporting() as reporter:
            prediction_plots.plot_predictions(plot, loaded, explain, records, results, stated, reporter)
    console.refuse_failures(errors, len(records))
    console.log(f"next: ecg-edge export {model}" if model.is_dir() else f"next: ecg-edge bench {model}")
