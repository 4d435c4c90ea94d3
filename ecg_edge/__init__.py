"""ECG recordings in, models that run on a Raspberry Pi or a microcontroller out.

Examples:
    >>> import ecg_edge
    >>> model = ecg_edge.load("af-single-lead-small")
    >>> result = model.predict(signal, fs=250, leads=["I"])
    >>> result.label, result.probabilities["A"]
    ('A', 0.91)

Names are imported when they are first used: `import ecg_edge` itself loads no other package.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ecg_edge import zoo as zoo
    from ecg_edge.api.ablation import Study as Study
    from ecg_edge.api.ablation import ablate as ablate
    from ecg_edge.api.benchmarking import bench as bench
    from ecg_edge.api.c99_generation import C99Program as C99Program
    from ecg_edge.api.c99_generation import generate_c99 as generate_c99
    from ecg_edge.api.count_stream import CountStream as CountStream
    from ecg_edge.api.count_stream import open_serial as open_serial
    from ecg_edge.api.cross_validation import cross_validate as cross_validate
    from ecg_edge.api.device_prediction import DevicePrediction as DevicePrediction
    from ecg_edge.api.device_prediction import RhythmEpisode as RhythmEpisode
    from ecg_edge.api.device_prediction import predict_on_device as predict_on_device
    from ecg_edge.api.explanation import Explanation as Explanation
    from ecg_edge.api.explanation import explain as explain
    from ecg_edge.api.explanation import explain_record as explain_record
    from ecg_edge.api.export_report import ExportReport as ExportReport
    from ecg_edge.api.firmware_library import WrittenLibrary as WrittenLibrary
    from ecg_edge.api.firmware_library import write_firmware_library as write_firmware_library
    from ecg_edge.api.live_signal import LiveAnswer as LiveAnswer
    from ecg_edge.api.live_signal import watch as watch
    from ecg_edge.api.microcontroller import plan_microcontroller as plan_microcontroller
    from ecg_edge.api.microcontroller import write_firmware as write_firmware
    from ecg_edge.api.prediction import EcgModel as EcgModel
    from ecg_edge.api.prediction import load as load
    from ecg_edge.api.prediction import predict as predict
    from ecg_edge.api.prediction_result import Localisation as Localisation
    from ecg_edge.api.prediction_result import Prediction as Prediction
    from ecg_edge.api.prediction_result import Reconstruction as Reconstruction
    from ecg_edge.api.prediction_result import WindowPrediction as WindowPrediction
    from ecg_edge.api.replay import Replay as Replay
    from ecg_edge.api.run_evaluation import EvaluationResult as EvaluationResult
    from ecg_edge.api.run_evaluation import evaluate as evaluate
    from ecg_edge.api.run_export import export as export
    from ecg_edge.api.run_tracking import track as track
    from ecg_edge.api.staged_training import train_stages as train_stages
    from ecg_edge.api.training_run import resume as resume
    from ecg_edge.api.training_run import train as train
    from ecg_edge.html_report.run_report import report as report
    from ecg_edge.plot.ecg_paper import plot_ecg as plot_ecg
    from ecg_edge.plot.ecg_paper import plot_record as plot_record
    from ecg_edge.plot.figure_file import render_figure as render_figure
    from ecg_edge.plot.figure_file import save_figure as save_figure
    from ecg_edge.plot.overlays import HeatMap as HeatMap
    from ecg_edge.plot.overlays import Intervals as Intervals
    from ecg_edge.plot.overlays import Marks as Marks
    from ecg_edge.plot.overlays import make_heat_map as make_heat_map
    from ecg_edge.reporter import LineReporter as LineReporter
    from ecg_edge.reporter import Reporter as Reporter
    from ecg_edge.run import Run as Run
    from ecg_edge.view.viewing import view_live as view_live
    from ecg_edge.view.viewing import view_recordings as view_recordings
    from firmware_bench.front_end.sensor import Sensor as Sensor
    from firmware_bench.runtime.errors import AcceptanceError as AcceptanceError
    from firmware_bench.runtime.errors import InputError as InputError

_MODULES = {
    "ecg_edge.api.ablation": ("Study", "ablate"),
    "ecg_edge.api.benchmarking": ("bench",),
    "ecg_edge.api.c99_generation": ("C99Program", "generate_c99"),
    "ecg_edge.api.count_stream": ("CountStream", "open_serial"),
    "ecg_edge.api.cross_validation": ("cross_validate",),
    "ecg_edge.api.device_prediction": ("DevicePrediction", "RhythmEpisode", "predict_on_device"),
    "ecg_edge.api.export_report": ("ExportReport",),
    "ecg_edge.api.explanation": ("Explanation", "explain", "explain_record"),
    "ecg_edge.api.live_signal": ("LiveAnswer", "watch"),
    "ecg_edge.api.firmware_library": ("WrittenLibrary", "write_firmware_library"),
    "ecg_edge.api.microcontroller": ("plan_microcontroller", "write_firmware"),
    "ecg_edge.api.prediction": ("EcgModel", "load", "predict"),
    "ecg_edge.api.prediction_result": ("Localisation", "Prediction", "Reconstruction", "WindowPrediction"),
    "ecg_edge.api.replay": ("Replay",),
    "ecg_edge.api.run_evaluation": ("EvaluationResult", "evaluate"),
    "ecg_edge.api.run_export": ("export",),
    "ecg_edge.api.run_tracking": ("track",),
    "ecg_edge.api.staged_training": ("train_stages",),
    "ecg_edge.api.training_run": ("resume", "train"),
    "ecg_edge.plot.ecg_paper": ("plot_ecg", "plot_record"),
    "ecg_edge.plot.figure_file": ("render_figure", "save_figure"),
    "ecg_edge.plot.overlays": ("HeatMap", "Intervals", "Marks", "make_heat_map"),
    "ecg_edge.html_report.run_report": ("report",),
    "ecg_edge.reporter": ("LineReporter", "Reporter"),
    "ecg_edge.run": ("Run",),
    "ecg_edge.view.viewing": ("view_live", "view_recordings"),
    "firmware_bench.front_end.sensor": ("Sensor",),
    "firmware_bench.runtime.errors": ("AcceptanceError", "InputError"),
}
_SOURCES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted([*_SOURCES, "zoo"])  # pyright: ignore[reportUnsupportedDunderAll]  the names above


def __getattr__(name: str):
    if name == "zoo":
        return importlib.import_module("ecg_edge.zoo")
    if name not in _SOURCES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_SOURCES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_SOURCES})
