"""What can be laid over an ECG: marks at moments, intervals, and heat maps over time and leads."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ecg_edge.api.explanation import Explanation
from ecg_edge.api.prediction_result import Prediction
from ecg_edge.records.record import Record


@dataclasses.dataclass(frozen=True)
class Marks:
    """Moments: R peaks, or beats with their labels. Each is a triangle above the trace.

    Attributes:
        times_s: Of each, s from the start of the recording, (n,).
        labels: Text of each, or () for none. "N" (a normal beat) is grey, others have a colour.
        name: What the picture calls them.
    """

    times_s: Sequence[float] | np.ndarray
    labels: Sequence[str] = ()
    name: str = "R peaks"


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Stretches of time with a label each, such as rhythms: bars below the trace, a colour for each label.

    Attributes:
        spans: Start, end (s from the start of the recording) and label of each, in order of time.
        name: What the picture calls them.
    """

    spans: Sequence[tuple[float, float, str]]
    name: str = "rhythm"


@dataclasses.dataclass(frozen=True)
class HeatMap:
    """A value for every step of time, for all leads together or for each: shading behind the trace.

    The deepest colour is the mean of the largest hundredth of the magnitudes. Positive values are orange, negative ones
    blue.

    Attributes:
        values: (steps,) for all leads, or (steps, leads); NaN where there is none.
        step_s: Duration of a step, s.
        leads: Names of the columns; () with values (steps,).
        start_s: Start of the first step, s from the start of the recording.
        name: What the picture calls it.
    """

    values: np.ndarray
    step_s: float
    leads: tuple[str, ...] = ()
    start_s: float = 0.0
    name: str = "heat map"


Overlay = Marks | Intervals | HeatMap


def list_record_overlays(record: Record) -> list[Overlay]:
    """List what a recording itself has annotated: its beats by their WFDB codes, and its rhythms.

    Args:
        record: The recording.
    """
    found: list[Overlay] = []
    if record.beats is not None and len(record.beats.samples):
        labels = [str(symbol) for symbol in record.beats.symbols]
        detected = set(labels) == {"?"}
        times = record.beats.samples / record.fs
        found.append(Marks(times) if detected else Marks(times, labels, "annotated beats"))
    if record.rhythms:
        spans = [(part.start / record.fs, part.stop / record.fs, part.rhythm) for part in record.rhythms]
        found.append(Intervals(spans, "annotated rhythm"))
    return found


def list_prediction_overlays(prediction: Prediction) -> list[Overlay]:
    """List what a prediction says about moments: beats, rhythms, and where an anomaly detector's error is.

    Args:
        prediction: As `EcgModel.predict` returns it.
    """
    found: list[Overlay] = []
    if prediction.beats:
        times = [beat["time_s"] for beat in prediction.beats]
        found.append(Marks(times, [beat["label"] for beat in prediction.beats], "predicted beats"))
    if prediction.rhythms:
        starts = [part["start_s"] for part in prediction.rhythms]
        spans: list[tuple[float, float, str]] = []
        for part, stop in zip(prediction.rhythms, [*starts[1:], prediction.seconds], strict=True):
            if spans and spans[-1][2] == part["rhythm"]:
                spans[-1] = (spans[-1][0], stop, part["rhythm"])
            else:
                spans.append((part["start_s"], stop, part["rhythm"]))
        found.append(Intervals(spans, "predicted rhythm"))
    if prediction.localisation:
        errors = prediction.localisation.errors
        values = np.array(list(errors.values()), np.float64).T
        found.append(HeatMap(values, prediction.localisation.step_s, tuple(errors), name="error of the reconstruction"))
    return found


def make_heat_map(explanation: Explanation) -> HeatMap:
    """Make a heat map of an explanation; of attention and memory, which have no sign, what exceeds their least value.

    Args:
        explanation: As `ecg_edge.explain` returns it.

    Returns:
        The heat map, for `plot_ecg` and `plot_record`.

    Raises:
        TypeError: Its values are no numbers.

    Examples:
        >>> figure = ecg_edge.plot_ecg(signal, 500, leads, overlays=[ecg_edge.make_heat_map(explanation)])
    """
    values = explanation.values
    if not explanation.label and np.isfinite(values).any():
        values = values - np.nanmin(values)
    return HeatMap(values, 1 / explanation.fs, explanation.leads, name=explanation.description)
