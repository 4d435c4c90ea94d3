"""Whether a model can judge a recording: what speaks against it, before anything is computed."""

import dataclasses

from ecg_edge.data.examples import WindowSpec
from ecg_edge.records.quality import SignalQuality, assess_signal
from ecg_edge.records.record import Record
from firmware_bench.runtime.errors import InputError
from firmware_bench.runtime.metadata import ANY_UNIT, ModelMetadata

SHORTEST_SHARE = 0.1  # of a window, where the model does not state its shortest recording


def check_input(record: Record, metadata: ModelMetadata, window: WindowSpec) -> SignalQuality:
    """Assess whether a model can judge a recording.

    Problems are: another unit than that of the recordings that the model learnt from, no signal, more than half of it
    missing, amplitudes that no ECG in mV has, and a length far below a window and below what the model learnt from.

    Args:
        record: The recording, its leads in the order of the model's database.
        metadata: The model's metadata.
        window: The model's windows.

    Returns:
        What is known of the leads that the model takes.

    Raises:
        InputError: A lead is missing, or the recording has no signal; names the record.
    """
    quality = assess_signal(record, metadata.leads)
    problems, warnings = list(quality.problems), list(quality.warnings)
    if metadata.units not in (ANY_UNIT, record.units):
        problems.insert(0, f"its values are in {record.units}, the model takes {metadata.units}")
    share = record.seconds * window.fs / window.samples
    learnt = window.shortest / window.samples
    least = min(0.5, learnt) if learnt else SHORTEST_SHARE
    length = f"{record.seconds:.3g} s long, {share:.1%} of a window of {window.samples / window.fs:.3g} s"
    if share < least:
        problems.append(f"it is only {length}")
    elif share < min(1, learnt or 1):
        warnings.append(f"it is {length}: the rest of the window is zeros")
    return dataclasses.replace(quality, problems=tuple(problems), warnings=tuple(warnings))


def refuse_problems(name: str, quality: SignalQuality, force: bool) -> SignalQuality:
    """Refuse a recording whose quality has problems, or mark it as forced.

    Raises:
        InputError: There are problems, and `force` is false.
    """
    if quality.problems and not force:
        raise InputError(f"record {name}: {'; '.join(quality.problems)}; force predicts it all the same (--force)")
    return dataclasses.replace(quality, forced=bool(quality.problems))
